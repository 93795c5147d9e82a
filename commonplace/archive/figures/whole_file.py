"""A file that somebody asked for is there whole or not at all; standard output, pipes and devices get it at the end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from uuid import uuid4

from commonplace.archive.faults import writing
from commonplace.errors import Refused

_STANDARD_OUTPUT = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}


def is_standard_output(path: Path) -> bool:
    """Whether a path means what this process prints to, which may well be a file, but none to be replaced."""
    return str(path) in _STANDARD_OUTPUT


@contextmanager
def whole_file(path: Path, what: str) -> Iterator[Path]:
    """Where to write what is at `path` when this ends well; a file that is there is replaced then."""
    if is_standard_output(path) or (path.exists() and not path.is_file()):
        yield from _for_a_stream(path)
        return
    with writing(what):
        yield from _for_a_file(path.resolve())  # a link stays one


def _for_a_file(path: Path) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _for_a_stream(path: Path) -> Iterator[Path]:
    if path.is_dir():
        raise Refused(f"{path} is a folder.", hint="Name a file in it.")
    with TemporaryDirectory(prefix="commonplace-") as folder:
        whole = Path(folder) / "whole"
        yield whole
        with whole.open("rb") as written, _stream(path) as stream:
            shutil.copyfileobj(written, stream)


def _stream(path: Path) -> BinaryIO:
    return os.fdopen(os.dup(1), "wb") if is_standard_output(path) else path.open("wb")
