"""Silence is noticed: how far each source's data reach, and which reports should be there and are not."""
