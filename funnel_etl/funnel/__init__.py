"""Where the two parts meet, on the phone: M0, attribution, facts. Pure transforms and their assets; reads both parts' clean tables."""
