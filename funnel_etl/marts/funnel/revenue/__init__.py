"""Revenue as it was known by each night."""
