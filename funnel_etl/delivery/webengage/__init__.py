"""WebEngage: who may be sent what, to the byte; and how it is sent."""
