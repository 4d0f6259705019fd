"""Where bytes come from and where they are kept: the landing archive, and readers of files, HTTP and sheets.

Nothing here knows what is inside a file: headers, dates and phones belong to the parts.
No pandas, no Dagster, no SQL.
"""
