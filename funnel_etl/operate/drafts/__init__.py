"""Drafts as a person works on them: out as CSV, edited, in again."""
