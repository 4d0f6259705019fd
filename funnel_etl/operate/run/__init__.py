"""Running a night and the services."""
