"""MCP: the archive as tools and resources for ChatGPT, Claude and others, over HTTP and over standard input."""
