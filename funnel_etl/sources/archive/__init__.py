"""The landing archive: every byte that came, when and from where, and what people decided about it."""
