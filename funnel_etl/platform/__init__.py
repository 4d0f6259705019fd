"""Adaptors to Dagster and PostgreSQL. They know no domain: no lead, sale or webinar is named in here."""
