"""Destinations on loopback that count effects, and misbehave when told to. For the demo and for tests."""
