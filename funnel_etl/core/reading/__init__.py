"""Bytes and frames of a source: CSV, dumps, headers, rows that are counted. No file is opened here."""
