"""What stands around each page: who is there, which pages they may see, and how it is served.

Not beside the folder of the pages: Streamlit takes a folder `pages` beside its script for pages of its own making.
"""
