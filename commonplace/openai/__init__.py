"""One door to OpenAI and the services that speak like it."""
