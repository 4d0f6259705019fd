"""What is removed when nobody needs it any more, and its job."""
