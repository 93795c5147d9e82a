"""Projects, which conversations they hold, and what is known of them."""
