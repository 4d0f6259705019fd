"""The facts for people: the months of the funnel, the rows behind a number, the gaps between the parts."""
