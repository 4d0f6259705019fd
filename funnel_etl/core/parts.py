"""The parts of a night, each published as one version: their names, their order, and which are made from others."""

MARKETING, SALES, FUNNEL, PARITY, CHANGES = "marketing", "sales", "funnel", "parity", "changes"
ENGAGEMENT = "engagement"
FOLLOWS = {FUNNEL: (MARKETING, SALES), PARITY: (FUNNEL,), CHANGES: (FUNNEL,), ENGAGEMENT: (FUNNEL,)}
"""Part → those whose publication it follows."""
PARTS = (MARKETING, SALES, *FOLLOWS)
"""Every part, in the order in which they are published."""
DELIVERY = "delivery"
OPTIONAL = {DELIVERY: (MARKETING,)}
"""Likewise of a part that is published once it has a row, and every night from then on; until then nobody misses it."""
WATCH = "watch"
"""What says how complete the night is: published by its own run, whatever the night gave."""
