"""What one does with the whole: run a night, serve the UI, reach the database, see where things stand."""
