"""The schema's history, applied in order when an archive is opened.

A revision imports nothing of ours: it says what was true on its day, whatever the code says now.
"""

HEAD = "0010"
"""The newest revision. Known without importing Alembic, so that opening an up-to-date archive costs nothing."""
