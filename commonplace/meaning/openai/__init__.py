"""Vectors that a service computes: OpenAI, or any server that speaks like it."""
