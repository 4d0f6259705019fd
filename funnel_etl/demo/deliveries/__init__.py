"""`make demo-deliver`: a small made-up company, a WebEngage that misbehaves, and who got what against the truth."""
