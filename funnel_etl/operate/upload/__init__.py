"""Zoom files that people give through the page."""
