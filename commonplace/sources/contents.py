"""What lies at a path, opened: its files by name, and a first look at each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import msgspec

from commonplace.errors import LeftOut, Refused
from commonplace.sources.containers import Container, Unreadable, open_container, start_of, there
from commonplace.sources.limits import Limits
from commonplace.sources.linked import linked_zips
from commonplace.sources.shapes import Head, look_at, whose_files
from commonplace.sources.splitting import Buffer

__all__ = ["Contents", "Unchanged", "open_contents", "there"]

PEEK = 262_144
GLANCE = 4_096
"""Enough for most files: of thousands of small ones nothing is unpacked and scanned twice."""
_MAY_HOLD_CONVERSATIONS = (".json", ".jsonl", ".ndjson", ".csv", ".html")


class Unchanged(msgspec.Struct, frozen=True):
    """A file of a single item that is as it was when it was merged: it need not be opened."""

    title: str
    """Of the source that read it."""
    digest: bytes
    """Of its item."""


class Contents:
    """A container that every source may look into before one of them reads it: each file is looked at once."""

    def __init__(self, name: str, container: Container, unchanged: Mapping[str, Unchanged]) -> None:
        self.name = name
        self.unchanged = unchanged
        self._container = container
        self._heads = {name: Head(owner=file.title) for name, file in unchanged.items()}

    @property
    def members(self) -> Mapping[str, int]:
        """Every file's name, with the size that is stated for it."""
        return self._container.members

    @property
    def left_out(self) -> Sequence[LeftOut]:
        """What is in it and no member, and why."""
        return self._container.left_out

    @property
    def is_lone(self) -> bool:
        return len(self.members) == 1

    def start(self, name: str, size: int = PEEK) -> bytes:
        """The first bytes of a file; none if it cannot be read."""
        return start_of(self._container, name, size)

    def head(self, name: str) -> Head:
        """What a file's beginning shows. Of several files, only those that may hold conversations are looked at."""
        found = self._heads.get(name)
        if found is None:
            is_worth_it = self.is_lone or name.lower().endswith(_MAY_HOLD_CONVERSATIONS)
            found = self._heads[name] = self._look(name) if is_worth_it else Head()
        return found

    def _look(self, name: str) -> Head:
        found = look_at(self.start(name, GLANCE))
        return found if found.is_settled or self.members[name] <= GLANCE else look_at(self.start(name))

    @cached_property
    def whose_names(self) -> set[str]:
        """The assistants whose files are called as these are, or lie in such folders."""
        return whose_files({part for name in self.members for part in name.split("/")})

    @cached_property
    def lacking_parts(self) -> list[str]:
        """The zips that its manifest lists beside this one, and that are not in it."""
        here = {self.name, *(part for name in self.members for part in name.split("/"))}
        return sorted(linked_zips(self.members, self.start) - here)

    def owners(self) -> set[str]:
        """The assistants whose conversations, or other files, are in it."""
        return self.whose_names | {owner for name in self.members if (owner := self.head(name).owner)}

    def load(self, name: str) -> Buffer:
        """A file's bytes to scan. Raises `Unreadable`, which says how it is damaged."""
        return self._container.load(name)

    def open_member(self, name: str) -> BinaryIO:
        """A file to read. Reading beyond the limits raises `Refused`."""
        if name not in self.members:
            raise Refused(f"There is no {name!r} in the export.")
        try:
            return self._container.open(name)
        except Unreadable as exc:
            raise Refused(f"{name!r} {exc}.") from exc

    def close(self) -> None:
        self._container.close()


def open_contents(
    path: Path, limits: Limits | None = None, unchanged: Mapping[str, Unchanged] | None = None
) -> Contents:
    """What is at `path`: a zip, a folder or a file. Raises `Refused` if it is absent, damaged or hostile."""
    return Contents(path.name, open_container(path, limits or Limits()), unchanged or {})
