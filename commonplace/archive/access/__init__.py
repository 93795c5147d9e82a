"""Who may read and write the archive from outside: users, their sessions, programs and keys."""
