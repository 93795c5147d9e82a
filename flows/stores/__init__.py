"""What assistants of projects search at OpenAI."""
