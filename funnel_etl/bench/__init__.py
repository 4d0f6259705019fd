"""Measurements of speed: steps against a yardstick in the same process, whole nights by size.

Not here: tests, and anything a night runs.
"""
