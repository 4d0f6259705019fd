"""Who gets the credit of a sale."""
