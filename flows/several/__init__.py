"""What is done with several conversations at once."""
