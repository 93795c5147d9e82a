"""Which files of the watched folders are exports that are not in the archive yet.

What was looked at before and is as it was is not opened again. Of the others, some are looked at in one go, the newest
first, so that a folder of a hundred thousand files keeps nobody waiting.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

from commonplace.archive import watched
from commonplace.archive.conversations import imports
from commonplace.archive.core import Archive
from commonplace.archive.watched import Stamp, Watched
from commonplace.errors import Refused
from commonplace.session import Session
from commonplace.sources.limits import Limits
from commonplace.sources.registry import open_export, readers_version
from commonplace.stages.importing.signing import signature
from commonplace.stages.watching.listing import Folder, Seen, listed, rests, watched_folders

LOOK_SECONDS = 20.0
"""For so long files are opened in one go."""
LIMITS = Limits(entries=20_000)
"""An unpacked export of more files than that is imported by hand."""
_ENDINGS = {b"[": b"]", b"{": b"}", b"<": b">"}
"""How a whole file ends, by how it begins."""
_EDGE = 256


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An export that is not in the archive yet."""

    folder: Folder
    path: Path
    digest: bytes
    stamp: Stamp


class Look(msgspec.Struct, kw_only=True):
    """What there is to take, and what there was to see."""

    files: int = 0
    opened: int = 0
    fresh: int = 0
    """Written to a moment ago, so perhaps not whole yet."""
    take: list[Candidate] = msgspec.field(default_factory=list)
    missing: list[str] = msgspec.field(default_factory=list)
    """Folders that are not there."""
    again_in: float | None = None
    """In so many seconds there will be more to look at; None: only when something changes."""


def look(session: Session, *, seconds: float = LOOK_SECONDS) -> Look:
    """Look through the watched folders once, opening files for about so long."""
    looked, until = Look(), time.monotonic() + seconds
    readers = readers_version()
    for folder in watched_folders(session.settings, session.environment):
        try:
            within = len(str(folder.path)) + 1
            there = {watched.digest_of(seen.path[within:]): seen for seen in listed(folder)}
        except OSError:
            looked.missing.append(str(folder.path))
            continue
        _look_at(session.archive, folder, there, readers, looked, until)
    return looked


def _look_at(
    archive: Archive, folder: Folder, there: dict[bytes, Seen], readers: str, looked: Look, until: float
) -> None:
    place = str(folder.path)
    known = watched.known(archive, place)
    looked.files += len(there)
    if gone := known.keys() - there.keys():
        watched.drop(archive, place, gone)
    new = [(digest, seen) for digest, seen in there.items() if not _is_known(known.get(digest), seen, readers)]
    others: list[tuple[bytes, Stamp]] = []
    for digest, seen in sorted(new, key=lambda one: -one[1].changed_at):
        if wait := rests(seen, folder):
            looked.fresh += 1
            _look_again(looked, wait)
        elif time.monotonic() > until:
            _look_again(looked, 0.0)
            break
        else:
            looked.opened += 1
            path = Path(seen.path)
            is_export = _is_export(path, folder)
            if is_export and (folder.is_history or not _is_in(archive, path)):
                looked.take.append(Candidate(folder=folder, path=path, digest=digest, stamp=seen.stamp))
            elif is_export:
                watched.note(archive, place, [(digest, seen.stamp)], state="taken", readers=readers, name=path.name)
            elif is_export is not None:
                others.append((digest, seen.stamp))
    if others:
        watched.note(archive, place, others, state="other", readers=readers)


def _is_known(known: Watched | None, seen: Seen, readers: str) -> bool:
    """Whether it was looked at as it is. What nobody could read is looked at again by readers that know more."""
    if known is None or known.stamp != seen.stamp:
        return False
    return known.state == "taken" or known.readers == readers


def _look_again(looked: Look, seconds: float) -> None:
    looked.again_in = seconds if looked.again_in is None else min(looked.again_in, seconds)


def _is_export(path: Path, folder: Folder) -> bool | None:
    """Whether a source knows it and it is whole; a session may be under way. None: it cannot be read now."""
    try:
        with open_export(path, limits=LIMITS):
            return folder.is_history or path.is_dir() or _ends_as_it_begins(path)
    except Refused as exc:
        return None if isinstance(exc.__cause__, PermissionError) else False
    except OSError:
        return None


def _ends_as_it_begins(path: Path) -> bool:
    """Whether a file that is written from its beginning to its end has reached that. A zip says so itself."""
    with path.open("rb") as file:
        start = file.read(_EDGE).removeprefix(b"\xef\xbb\xbf").lstrip()
        file.seek(-min(_EDGE, path.stat().st_size), os.SEEK_END)
        end = file.read().rstrip()
    closing = _ENDINGS.get(start[:1])
    return closing is None or end.endswith(closing)


def _is_in(archive: Archive, path: Path) -> bool:
    """Whether the archive has had this very file, as far as that is known without reading it."""
    return imports.find_flawless(archive, signature=signature(path).whole) is not None
