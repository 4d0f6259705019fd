"""What is sent to the outside: from a ledger, and only when it is switched on."""
