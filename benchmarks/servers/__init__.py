"""What answers over HTTP, and the steady requests that it answers."""
