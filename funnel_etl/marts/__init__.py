"""What joins the parts: clean to mart."""
