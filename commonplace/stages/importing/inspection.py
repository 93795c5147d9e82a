"""A first look at a file that is to be imported: which export it is and how much is in it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from commonplace.archive.files.files import hash_file
from commonplace.sources.contents import there
from commonplace.sources.registry import open_export


def fingerprint(path: Path) -> str:
    """What identifies the bytes of a file; of a folder, its files' names, sizes and times."""
    if not path.is_dir():
        return hash_file(there(path))
    listing = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        if file.is_file():
            about = file.stat()
            listing.update(f"{file.relative_to(path)}\0{about.st_size}\0{about.st_mtime_ns}\n".encode())
    return listing.hexdigest()


def inspect(path: Path) -> dict[str, Any]:
    """The kind of export, how many files and bytes it holds, and how many files are not read."""
    with open_export(path) as export:
        return {
            "source": export.source,
            "files": len(export.members),
            "bytes": sum(export.members.values()),
            "left_out": len(export.left_out),
        }
