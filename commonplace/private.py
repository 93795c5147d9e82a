"""What was written for its owner is read by its owner alone, whatever the machine's habit is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PRIVATE = 0o077
"""The umask of our processes: what others may not do with the files that they make."""


def open_to_others(root: Path) -> Iterator[Path]:
    """The folder and everything under it that somebody else may read, write or enter."""
    if os.name == "nt":
        return
    for folder, _, files in os.walk(root):
        for path in (Path(folder), *(Path(folder, name) for name in files)):
            with suppress(FileNotFoundError):  # others may be at work
                if not path.is_symlink() and path.stat().st_mode & PRIVATE:
                    yield path


def make_private(path: Path) -> None:
    """Take away what others may do with it."""
    with suppress(FileNotFoundError):
        path.chmod(path.stat().st_mode & ~PRIVATE & 0o7777)
