"""Several conversations that a person chose, and what is done with all of them.

A choice is kept in the home under a name that says nothing, so that a run, a page and a command can speak of thousands
of conversations without naming them. It also holds what was there before, until it has had its time: what was said of
several is taken back with one word.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from commonplace.archive.core import Archive
from commonplace.archive.projects import history
from commonplace.archive.projects.assignments import assigned_since
from commonplace.archive.verdicts.current import Correction, Field, tags_of, words_of
from commonplace.archive.verdicts.verdicts import correct, withdraw
from commonplace.errors import NotThere, Refused
from commonplace.moments import now
from commonplace.stages.categorizing.reviewing import own_name

KEPT_SECONDS = 7 * 86_400
FOLDER = "chosen"
_NAME = re.compile("[0-9a-f]{16}")
FORMATS = ("markdown", "html", "openai-finetune", "sharegpt")


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A word on one conversation: what it took the place of, and what it is."""

    id: str
    field: Field
    before: Correction | None
    after: str | list[str]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which conversations, and what is wanted of them."""

    name: str
    owner: str
    ids: tuple[str, ...]
    query: str = ""
    """Of the page that they were chosen on."""
    category: str = ""
    tags: tuple[str, ...] = ()
    """To be added to those that each has."""
    project: str = ""
    format: str = "markdown"
    """Of a file that they are written into."""
    said: tuple[Said, ...] = ()
    event: str = ""
    """What gave them a project, in the history of projects."""
    at: int = 0
    """When it was made, or something was last said of it: what somebody else has said since then stays."""
    left: int = 0
    """Of how many that was so."""

    @property
    def can_be_undone(self) -> bool:
        return bool(self.said or self.event)


def choose(home: Path, owner: str, ids: Sequence[str], *, query: str = "") -> Choice:
    """Keep a choice, and let go of those that have had their time."""
    for old in _folder(home).glob("*"):
        if old.stat().st_mtime < time.time() - KEPT_SECONDS:
            old.unlink(missing_ok=True)
    name = secrets.token_hex(8)
    return keep(home, Choice(name=name, owner=owner, ids=tuple(dict.fromkeys(ids)), query=query, at=now()))


def keep(home: Path, choice: Choice) -> Choice:
    """The same choice with more said of it."""
    path = _folder(home) / f"{choice.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_suffix(".new")
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(msgspec.json.encode(choice))
    unfinished.replace(path)
    return choice


def find(home: Path, owner: str, name: str) -> Choice:
    """A choice of this person's."""
    path = _folder(home) / f"{name}.json"
    if _NAME.fullmatch(name) and path.is_file():
        found = msgspec.json.decode(path.read_bytes(), type=Choice)
        if found.owner == owner:
            return found
    raise NotThere("That choice is gone.", hint=f"A choice is kept for {KEPT_SECONDS // 86_400} days: choose again.")


def file_of(home: Path, choice: Choice) -> Path:
    """Where they are written to, if they were."""
    endings = {"markdown": "md", "html": "html"}
    return _folder(home) / f"{choice.name}.{endings.get(choice.format, 'jsonl')}"


def forget_choices(home: Path) -> None:
    """They hold words: who forgets a conversation, forgets them."""
    for path in _folder(home).glob("*"):
        path.unlink(missing_ok=True)


def say(home: Path, archive: Archive, choice: Choice, *, taxonomy: str, origin: str) -> Choice:
    """Give all of them their category, tags and project, by a person's word; what was there before is kept first.

    What somebody has said of one of them since they were chosen stays: who chose has not seen it.
    """
    from commonplace.stages.mapping import projects

    category = own_name(archive, taxonomy, choice.category) if choice.category else ""
    if not (category or choice.tags or choice.project):
        raise Refused("Nothing to change was given.", hint="Give a category, tags or a project.")
    tags = tags_of(archive, choice.ids)
    ids = [id for id in choice.ids if id in tags]  # the others are gone
    current = words_of(archive, ids, "category") if category else {}
    since = choice.at or now()  # choices of earlier versions do not tell
    theirs = {id for id, word in current.items() if word.corrected_at > since and word.value != category}
    assigned = assigned_since(archive, ids, since) if choice.project else set[str]()
    sorted_here = [id for id in ids if id not in theirs]
    words = [*_categories(archive, sorted_here, category), *_tags(archive, tags, choice.tags)]
    left = len(theirs | assigned)
    kept = keep(home, msgspec.structs.replace(choice, said=tuple(words), event="", left=left))
    for word in words:
        correct(archive, word.id, word.field, word.after, origin=origin, taxonomy=taxonomy)
    if choice.project:
        event = projects.assign_several(archive, choice.project, [id for id in ids if id not in assigned])
        kept = msgspec.structs.replace(kept, event=event["id"])
    return keep(home, msgspec.structs.replace(kept, at=now()))


def undo(home: Path, archive: Archive, choice: Choice, *, review_below: float) -> int:
    """Take back what was said of them, where nobody has said anything else since; of how many that is."""
    taken: set[str] = set()
    for field in ("category", "tags"):
        words = [word for word in choice.said if word.field == field]
        current = words_of(archive, [word.id for word in words], field)
        for word in words:
            said = current.get(word.id)
            if said is not None and said.value == word.after:
                _back(archive, word, review_below=review_below)
                taken.add(word.id)
    if choice.event:
        with suppress(Refused):  # it was undone where projects are
            taken |= history.undo(archive, choice.event).detail["before"].keys()
    keep(home, msgspec.structs.replace(choice, said=(), event="", left=0, at=now()))
    return len(taken)


def _back(archive: Archive, word: Said, *, review_below: float) -> None:
    before = word.before
    if before is None:
        withdraw(archive, word.id, [word.field], review_below=review_below)
    else:
        correct(archive, word.id, word.field, before.value, origin=before.origin, taxonomy=before.taxonomy)


def _categories(archive: Archive, ids: Sequence[str], category: str) -> list[Said]:
    if not category:
        return []
    before = words_of(archive, ids, "category")
    return [Said(id=id, field="category", before=before.get(id), after=category) for id in ids]


def _tags(archive: Archive, current: Mapping[str, list[str]], added: Sequence[str]) -> list[Said]:
    if not added:
        return []
    before = words_of(archive, list(current), "tags")
    wanted = {id: _with(tags, added) for id, tags in current.items()}
    return [
        Said(id=id, field="tags", before=before.get(id), after=tags)
        for id, tags in wanted.items()
        if tags != current[id]
    ]


def _with(tags: Sequence[str], added: Sequence[str]) -> list[str]:
    there = {tag.casefold() for tag in tags}
    return [*tags, *(tag for tag in added if tag.casefold() not in there)]


def _folder(home: Path) -> Path:
    return home / FOLDER
