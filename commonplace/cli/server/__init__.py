"""Commands of and for the server: serving, users, programs, keys, what came in."""
