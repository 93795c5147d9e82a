"""By what a file or a folder is seen to have changed: places, sizes and times, without opening anything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import msgspec

from commonplace.sources.registry import readers_version


class Signature(msgspec.Struct, frozen=True):
    """By which the same file is recognised without reading it. `size` is the part that copies of it share."""

    size: str
    whole: str
    files: dict[str, str]
    """In a folder, what changes with each of its files, by its path in there."""


def signature(path: Path) -> Signature:
    """From the place, size, time and inode of a file, or of every file in a folder; and the readers' version."""
    whole, version = path.absolute(), readers_version()
    total, state, files = 0, blake2b(digest_size=16), {}
    for file, found in files_at(whole):
        total += found.st_size
        told = f"{found.st_size}\0{found.st_mtime_ns}\0{found.st_ino}\0"
        state.update(f"{file}\0{told}".encode("utf-8", "replace"))
        files[name_in(whole, file)] = f"{version}:{told}".replace("\0", ":")
    size = f"{version}:{total}:"
    return Signature(size, size + state.hexdigest(), files if whole.is_dir() else {})


def files_at(whole: Path) -> list[tuple[str, os.stat_result]]:
    """The file itself, or every file of a folder, by its path."""
    if not whole.is_dir():
        return [(str(whole), whole.stat())] if whole.is_file() else []
    return sorted(files_below(whole), key=lambda file: file[0])


def files_below(folder: Path, *, ending: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Every file of a folder and of those in it, in any order. No link is followed; what goes meanwhile, or is closed
    to us, is left out."""
    waiting = [str(folder)]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.name.endswith(ending) and entry.is_file(follow_symlinks=False):
                    with suppress(OSError):
                        yield entry.path, entry.stat(follow_symlinks=False)


def name_in(folder: Path, file: str) -> str:
    """How a file of a folder is called in an export of it."""
    return file[len(str(folder)) :].lstrip(os.sep).replace(os.sep, "/")
