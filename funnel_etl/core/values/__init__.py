"""Values as people type them: phones, dates, money, text. Pure functions on columns; no table is known here."""
