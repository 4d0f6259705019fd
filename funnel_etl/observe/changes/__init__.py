"""What changed since the last published night, and why. Looks at the parts and at the facts; nothing depends on it."""
