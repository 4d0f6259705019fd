"""The page for people who are not engineers: it shows what services return, and has no rule and no SQL of its own."""
