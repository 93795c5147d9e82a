"""What programs call: webhooks, the API of actions, MCP."""
