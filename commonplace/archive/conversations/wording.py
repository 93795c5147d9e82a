"""What a message says, of all the exports that told it.

- Newer words replace older ones.
- The same words (one digest) are kept in their richest rendering, however old: a newer, trimmed export has no sources
  any more, and would take the links away. What is rich of words that were replaced is remembered, in case they return.
- Different words of one age contradict each other: both are kept. One is the message's, the others stand beside it.

Each of these is a maximum, so the order in which exports arrive does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from commonplace.archive.texts import storable
from commonplace.model import Role

_LINK = re.compile(r"\]\(<?https?://")


class Content(NamedTuple):
    """What belongs together and comes from one state."""

    role: Role
    content_type: str
    text: str
    digest: bytes
    is_hidden: bool
    raw: bytes | None


class Told(msgspec.Struct, frozen=True, array_like=True):
    """Some words as an export of that moment rendered them."""

    content: Content
    at: int

    @property
    def links(self) -> int:
        """How much there is to lose; of what nobody sees, nothing."""
        return len(_LINK.findall(self.content.text)) if self.content.digest else 0

    @property
    def rank(self) -> tuple[bool, int, int, str, bytes, bytes]:
        content = self.content
        told = storable(f"{content.text}\n{content.role} {content.content_type} {content.is_hidden}")
        return bool(content.digest), self.links, self.at, told, content.raw or b"", content.digest


class Wording(msgspec.Struct):
    """The newest words of a message: several where exports of one age contradict each other."""

    time: int
    newest: dict[bytes, Told]
    richer: dict[bytes, Told] = msgspec.field(default_factory=dict)
    """Renderings with links, of words that were replaced."""

    @property
    def main(self) -> Told:
        return max(self.newest.values(), key=_rank)

    @property
    def others(self) -> list[Told]:
        """What else exports of the same age say, as far as a reader would see it."""
        main = self.main
        return [told for _, told in sorted(self.newest.items()) if told is not main]

    def absorb(self, other: Wording) -> None:
        time = max(self.time, other.time)
        digests = {digest for one in (self, other) if one.time == time for digest in one.newest}
        if len(digests) > 1:
            digests.discard(b"")
        known = _richest(told for one in (self, other) for told in (*one.newest.values(), *one.richer.values()))
        self.time = time
        self.newest = _differing({digest: known[digest] for digest in digests})
        self.richer = {digest: told for digest, told in known.items() if digest not in digests and told.links}


def _rank(told: Told) -> tuple[bool, int, int, str, bytes, bytes]:
    return told.rank


def _differing(newest: dict[bytes, Told]) -> dict[bytes, Told]:
    """Without those that read the same as another: an earlier version of a reader made another digest of them."""
    if len(newest) < 2:
        return newest
    by_text: dict[str, Told] = {}
    for told in newest.values():
        text = storable(told.content.text)
        by_text[text] = max(by_text.get(text, told), told, key=_rank)
    return {told.content.digest: told for told in by_text.values()}


def _richest(renderings: Iterable[Told]) -> dict[bytes, Told]:
    found: dict[bytes, Told] = {}
    for told in renderings:
        digest = told.content.digest
        if digest not in found or (told.at, told.content) != (found[digest].at, found[digest].content):
            found[digest] = max(found.get(digest, told), told, key=_rank)
    return found
