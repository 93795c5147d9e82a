"""The server: pages for people, an API and MCP for programs, OAuth between them, and webhooks that come in."""
