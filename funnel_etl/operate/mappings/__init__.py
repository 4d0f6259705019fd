"""The config tables as people edit them on the page."""
