"""Adaptors to PostgreSQL, knowing no domain."""
