"""Asking for the next export: how far it is with it, who is reminded, and the mail that brings the link."""
