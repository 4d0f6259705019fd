"""What `zoom check`, `export` and the clean files show of reports."""
