"""What a table is: its contract, the account of its rows, the reasons, the data dictionary."""
