"""A note on disk: properties, our region between two marks, and what a person wrote around it.

The opening mark holds what we need to know the next time, so that a note is complete in itself, whatever became of the
ledger and wherever a person moved it: the name and the folder we gave it, the properties we wrote, and a fingerprint of
the region. The fingerprint overlooks what programs do on their own: line ends, trailing spaces, and the folders in
links, which Obsidian rewrites when a note is moved.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from urllib.parse import unquote

import msgspec

from commonplace.destinations.markdown import frontmatter
from commonplace.destinations.markdown.settings import digest

_MARK = "<!-- commonplace:"
_REGION = re.compile(
    r"[ \t]*<!-- commonplace:begin (?P<facts>[^\n>]*?) *-->[ \t]*\r?\n"
    r"(?P<text>.*?)(?:\r?\n)?[ \t]*<!-- commonplace:end -->",
    re.DOTALL,
)
_LINK = re.compile(r"\]\((?![A-Za-z][A-Za-z0-9+.-]*:)<?([^()\n>]*)>?\)")


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What the mark says of our last writing."""

    region: str = ""
    names: list[str] = []
    """The newest first, then the one before, which the file still has if we were killed before we renamed it."""
    places: list[str] = []
    """Likewise."""
    base: dict[str, list[str]] | None = None


class Note(msgspec.Struct, kw_only=True):
    """A note that exists. `region` is None where the marks are gone."""

    properties: list[frontmatter.Property]
    before: str
    region: str | None
    after: str
    given: Given

    @property
    def is_ours_alone(self) -> bool:
        """Whether nothing would be lost with it: no text beside ours, and ours as we left it."""
        return not (self.is_edited or self.before.strip() or self.after.strip())

    @property
    def is_edited(self) -> bool:
        """Whether a person changed what is ours."""
        return self.region is None or fingerprint(self.region) != self.given.region

    def was_named(self, stem: str, suffix: str) -> bool:
        """Whether we gave it this name, alone or followed by what tells notes of one title apart."""
        plain = re.sub(rf" \({re.escape(suffix)}(?: \d+)?\)$", "", stem)
        return digest(stem) in self.given.names or digest(plain) in self.given.names

    def was_put_into(self, folder: str) -> bool:
        return digest(folder) in self.given.places


def read_note(text: str) -> Note:
    body, rest = frontmatter.split(text)
    properties = frontmatter.parse(body) if body is not None else []
    found = _REGION.search(rest)
    if found is None:
        return Note(properties=properties, before="", region=None, after="\n", given=Given())
    return Note(
        properties=properties,
        before=rest[: found.start()],
        region=found["text"],
        after=rest[found.end() :],
        given=_given(found["facts"]),
    )


def compose(
    existing: Note | None,
    properties: Mapping[str, frontmatter.Value | None],
    region: str,
    *,
    facts: AbstractSet[str],
    name: str,
    folder: str,
    old_name: str = "",
    old_folder: str = "",
) -> str:
    """The whole note. Of an existing one, everything that is not ours is kept.

    `old_name` and `old_folder` are what we gave it before, where the file still has them.
    """
    region = region.replace(_MARK, "<!-- commonplace :").strip("\n")
    before = existing.given if existing else Given()
    given = Given(
        region=fingerprint(region),
        names=_newest_first(name, old_name, before.names),
        places=_newest_first(folder, old_folder, before.places),
        base=frontmatter.base_of(properties, facts=facts),
    )
    note = existing or Note(properties=[], before="", region="", after="\n", given=Given())
    head = frontmatter.merge(note.properties, properties, note.given.base, facts=facts)
    return f"---\n{head}---\n{note.before}{_begin(given)}\n{region}\n{_MARK}end -->{note.after}"


def conflict_copy(text: str, properties: Mapping[str, str]) -> str:
    """A person's version of a note, as a note that is theirs alone: without our id and our marks."""
    body, rest = frontmatter.split(text)
    kept = [entry for entry in frontmatter.parse(body or "") if entry.key != "id" and entry.key not in properties]
    head = "".join([*(entry.raw for entry in kept), *(frontmatter.write(*pair) for pair in properties.items())])
    lines = [line for line in rest.splitlines(keepends=True) if not line.strip().startswith(_MARK)]
    return f"---\n{head}---\n{''.join(lines)}"


def fingerprint(region: str) -> str:
    lines = [line.rstrip() for line in region.strip().splitlines()]
    return digest(_LINK.sub(lambda link: f"]({unquote(link[1]).rpartition('/')[2]})", "\n".join(lines)))


def _begin(given: Given) -> str:
    base = [f"{key}={'.'.join(digests)}" for key, digests in (given.base or {}).items()]
    return f"{_MARK}begin {' '.join([given.region, '.'.join(given.names), '.'.join(given.places), *base])} -->"


def _newest_first(wanted: str, old: str, given: list[str]) -> list[str]:
    if given[:1] == [digest(wanted)]:
        return given
    return [digest(wanted), digest(old)] if old and old != wanted else [digest(wanted)]


def _given(facts: str) -> Given:
    region, names, places, *rest = [*facts.split(), "", "", ""]
    base = {key: value.split(".") for key, separator, value in (word.partition("=") for word in rest) if separator}
    return Given(region=region, names=names.split("."), places=places.split("."), base=base)
