"""Rows of reports made into occurrences, people, registrations and attendance."""
