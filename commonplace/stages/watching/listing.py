"""What lies in a watched folder, by name, size and time alone: nothing is opened, and no link is followed."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from commonplace.archive.watched import Stamp
from commonplace.config import Environment, Settings
from commonplace.sources.getting import SESSIONS, folders_of_history
from commonplace.stages.importing.signing import files_below

QUIET_SECONDS = 3.0
"""A file that nobody wrote to for so long is taken to be whole, if it looks whole."""
HISTORY_QUIET_SECONDS = 30.0
"""And so long a session rests: its file grows with every word."""
UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".opdownload", ".tmp")
"""What browsers call a file until it is there."""


class Folder(msgspec.Struct, frozen=True, kw_only=True):
    """One that is watched: a place where exports are dropped, or an agent's history."""

    path: Path
    is_history: bool = False

    @property
    def quiet_seconds(self) -> float:
        return HISTORY_QUIET_SECONDS if self.is_history else QUIET_SECONDS


class Seen(msgspec.Struct, frozen=True):
    """Something in a folder: where, and when it changed last by the clock of this machine."""

    path: str
    stamp: Stamp
    changed_at: float


def watched_folders(settings: Settings, environment: Environment) -> list[Folder]:
    """Those of the settings, whether they are there or not."""
    accounts = [folder for account in settings.accounts.values() for folder in account.folders]
    folders = [Folder(path=Path(folder).expanduser()) for folder in dict.fromkeys((*settings.watch.folders, *accounts))]
    histories = [path for name in settings.watch.histories for path in folders_of_history(name, environment.get)]
    return [*folders, *(Folder(path=path, is_history=True) for path in histories)]


def listed(folder: Folder) -> Iterator[Seen]:
    """What may be an export. Raises `OSError` where the folder is not there; what goes meanwhile is left out."""
    return _sessions(folder.path) if folder.is_history else _entries(folder.path)


def _entries(folder: Path) -> Iterator[Seen]:
    """Files, and folders, which may be unpacked exports: some browsers unpack what they fetch."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower().endswith(UNFINISHED):
                continue
            with suppress(OSError):
                about = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(about.st_mode):
                    yield _seen(entry.path, about)
                elif stat.S_ISDIR(about.st_mode):
                    yield _unpacked(entry.path, about)


def _unpacked(path: str, about: os.stat_result) -> Seen:
    """A folder, by the files that lie in it directly, as conversations do."""
    size, modified, changed = 0, about.st_mtime_ns, _changed_at(about)
    with os.scandir(path) as inside:
        for entry in inside:
            each = entry.stat(follow_symlinks=False)
            size += each.st_size
            modified, changed = max(modified, each.st_mtime_ns), max(changed, _changed_at(each))
    return Seen(path, Stamp(size, modified), changed)


def _sessions(folder: Path) -> Iterator[Seen]:
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    for path, about in files_below(folder, ending=SESSIONS):
        yield _seen(path, about)


def _seen(path: str, about: os.stat_result) -> Seen:
    return Seen(path, Stamp(about.st_size, about.st_mtime_ns), _changed_at(about))


def _changed_at(about: os.stat_result) -> float:
    """When it was written to. What is copied or unpacked may say that it was modified long ago."""
    return about.st_mtime if os.name == "nt" else about.st_ctime


def rests(seen: Seen, folder: Folder, *, at: float | None = None) -> float:
    """For how many seconds it has yet to rest before it is looked at; 0: no more."""
    moment = time.time() if at is None else at
    waited = abs(moment - seen.changed_at)  # a clock that was put back does not make it wait for years
    return max(0.0, folder.quiet_seconds - waited)
