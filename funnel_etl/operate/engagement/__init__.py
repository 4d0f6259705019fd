"""What engagement knows of a webinar, and which names it credits to nobody."""
