"""Parity: what the team's old sheet would show tonight, and one proved reason for each cell that differs from mart."""
