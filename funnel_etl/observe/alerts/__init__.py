"""Messages to where people read: what is wrong, once per cause, who does what; and that a night is published."""
