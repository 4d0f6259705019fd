"""What a sales lead asks of the published tables."""
