"""Zoom's exported reports: what kind a file is, and its rows as text and instants."""
