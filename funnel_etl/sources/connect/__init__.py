"""How bytes are fetched: files, HTTP, sheets, logins. What is in them is not known here."""
