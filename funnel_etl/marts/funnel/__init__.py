"""Where the two parts meet, on the phone: M0, attribution, facts. Reads both parts' clean tables."""
