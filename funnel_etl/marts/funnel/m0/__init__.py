"""The leads assigned in a month, each phone once; months that are closed."""
