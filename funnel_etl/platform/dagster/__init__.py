"""Adaptors to Dagster, knowing no domain."""
