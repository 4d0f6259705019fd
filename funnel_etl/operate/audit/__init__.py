"""What people did on the page, written as it happens."""
