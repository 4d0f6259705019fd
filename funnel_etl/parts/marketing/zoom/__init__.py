"""PART 1, Zoom: exported webinar reports, and the people, occurrences and attendance in them."""
