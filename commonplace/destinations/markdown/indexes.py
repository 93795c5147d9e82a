"""The pages `projects/<name>.md` and `categories/<name>.md`: every conversation that belongs there, newest first.

They are notes like the others, with an id, our region and room for a person's own text. They are made of what the
ledger says of the notes, so nothing is rendered for them, and written only where they differ.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable

import msgspec

from commonplace.destinations.contract import Ledger
from commonplace.destinations.markdown import names, render
from commonplace.destinations.markdown.copies import keep_edited
from commonplace.destinations.markdown.note import Note, compose, read_note
from commonplace.destinations.markdown.vault import Vault
from commonplace.moments import to_iso

_FACTS = frozenset({"id"})
_KINDS = {render.PROJECTS: "project", render.CATEGORIES: "category"}


class _Page(msgspec.Struct):
    """A page that should exist: what it is of, and the lines it lists by moment."""

    kind: str
    name: str
    lines: list[tuple[int, str, str]] = msgspec.field(default_factory=list)


def finder(vault: Vault) -> Callable[[str, str], str]:
    """Where the page of a project or a category is, or will be."""
    return lambda kind, name: vault.find(_id(kind, name)) or _path(kind, name)


def write_all(vault: Vault, ledger: Ledger) -> int:
    """Bring every page up to date and remove those of which nothing is left; how many files were written."""
    wanted = _wanted(vault, ledger)
    written = sum(_write(vault, id, page) for id, page in wanted.items())
    for id in vault.ids():
        if id.startswith(tuple(f"{kind}:" for kind in _KINDS.values())) and id not in wanted:
            written += _empty(vault, id)
    return written


def _wanted(vault: Vault, ledger: Ledger) -> dict[str, _Page]:
    pages: dict[str, _Page] = {}
    for id, entry in ledger.remote_ids():
        detail = entry.detail
        path = vault.find(id, preferred=detail.get("path"))
        if path is None:
            continue
        for kind, singular in _KINDS.items():
            name = detail.get(singular)
            if name:
                page = pages.setdefault(_id(kind, name), _Page(kind, name))
                page.lines.append((detail.get("created") or 0, str(detail.get("title")), path))
    return pages


def _write(vault: Vault, id: str, page: _Page) -> int:
    path = vault.find(id)
    if path is None:
        new = _path(page.kind, page.name)
        spare = f"{names.with_suffix(new[:-3], _KINDS[page.kind])}.md"  # a person has a note of that name
        vault.create(id, _text(id, page, None, posixpath.dirname(new)), [new, spare])
        return 1
    text = vault.read(path)
    note = read_note(text)
    new_text = _text(id, page, note, posixpath.dirname(path))
    if new_text == text:
        return 0
    if note.is_edited:
        keep_edited(vault, id, path, text)
    vault.replace(path, new_text)
    return 1


def _empty(vault: Vault, id: str) -> int:
    """A page of which no conversation is left goes; if a person wrote on it, it only says so."""
    path = vault.find(id)
    note = read_note(vault.read(path)) if path else None
    if path is None or note is None:
        return 0
    if note.is_ours_alone:
        vault.remove(id, path)
        return 1
    kind = next(kind for kind, singular in _KINDS.items() if id.startswith(f"{singular}:"))
    title = next((entry.value for entry in note.properties if entry.key == "title"), None)
    return _write(vault, id, _Page(kind, title if isinstance(title, str) else id.partition(":")[2]))


def _text(id: str, page: _Page, note: Note | None, folder: str) -> str:
    newest_first = sorted(page.lines, key=lambda line: (-line[0], line[1], line[2]))
    count = f"{len(newest_first) or 'No'} conversation{'' if len(newest_first) == 1 else 's'}"
    lines = [
        f"- {render.markdown_link(title, path, folder)}{f' · {to_iso(moment)}'[:13] if moment else ''}"
        for moment, title, path in newest_first
    ]
    region = "\n".join([f"# {render.label(page.name)}", "", count, "", *lines])
    return compose(note, {"id": id, "title": page.name}, region, facts=_FACTS, name=page.name, folder=page.kind)


def _id(kind: str, name: str) -> str:
    return f"{_KINDS[kind]}:{names.key(names.safe_name(name))}"


def _path(kind: str, name: str) -> str:
    return f"{kind}/{names.safe_name(name)}.md"
