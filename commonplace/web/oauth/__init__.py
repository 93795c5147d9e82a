"""The authorization server: OAuth 2.1, so that programs of others may read with a person's consent."""
