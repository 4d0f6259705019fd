"""What looks at the nights: how complete they are, what changed, who is told."""
