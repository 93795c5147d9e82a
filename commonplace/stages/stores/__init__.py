"""A project's vector store at OpenAI: what its assistant searches."""
