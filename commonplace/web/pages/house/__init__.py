"""The pages for who keeps the server: its settings, its users, its backups."""
