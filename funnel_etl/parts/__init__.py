"""The independent parts of the business, raw to clean. They never import each other."""
