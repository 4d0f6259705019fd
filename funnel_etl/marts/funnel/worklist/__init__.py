"""What a person must decide, and what each decision is worth."""
