"""Measurements of speed, each against a yardstick in the same process. Not here: tests, and anything a night runs."""
