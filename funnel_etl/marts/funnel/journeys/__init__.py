"""The way of each lead, and score cards of webinars and employees."""
