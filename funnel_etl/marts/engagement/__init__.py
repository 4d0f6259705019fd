"""Who listened, who asked, who should be called, and what to write: chats, polls and questions of webinars."""
