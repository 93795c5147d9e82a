"""The folder on disk: where each note is, and changes that happen completely or not at all.

Every note carries its id in its properties. So the folder is read once per run, only the first bytes of each file, and
a note is found wherever a person moved it, also in folders elsewhere that a link leads to. A file is written beside its
place, flushed and renamed; a new one never replaces another, even where two processes choose the same name in the same
instant, and a link to a note stays one.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from weakref import WeakValueDictionary

from commonplace.destinations.markdown import names
from commonplace.destinations.markdown.frontmatter import parse

_HEAD_BYTES = 4096
_LONGEST_HEAD = 1 << 18
_END_OF_HEAD = re.compile(rb"\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|$)")
_TEMPORARY = ".commonplace-"
_LEFTOVER_AFTER_SECONDS = 3600


class Vault:
    """The notes of one folder. Paths are relative to it, with `/`, as they are in links. Threads may share it."""

    def __init__(self, root: Path, *, shared: bool = False) -> None:
        self.root = root
        self._others = 0o055 if shared else 0
        self._lock = threading.RLock()
        self._notes: dict[str, list[str]] | None = None
        self._taken: dict[str, set[str]] = {}
        self._unsynced: set[Path] = set()
        self._stamps: dict[str, int] = {}

    def find(self, note_id: str, *, preferred: str | None = None) -> str | None:
        """Where the note with this id is. If a person made copies of it: the one at `preferred`, else the first."""
        with self._lock:
            paths = self._index().get(note_id, [])
            return preferred if preferred in paths else min(paths, default=None)

    def ids(self) -> list[str]:
        """Of every note that has one."""
        with self._lock:
            return list(self._index())

    def look_again(self) -> None:
        """Forget what was seen: a person is moving files right now."""
        with self._lock:
            self._notes = None
            self._taken.clear()

    def make_folder(self, folder: Path) -> None:
        """A folder of the vault, and those above it that are not there; who may read them is said by us alone."""
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            each.chmod(0o700 | self._others)

    def read(self, path: str) -> str:
        """The text; bytes that are not UTF-8 survive a round trip."""
        return (self.root / path).read_bytes().decode("utf-8", "surrogateescape")

    def stamp(self, path: str) -> int | None:
        """When the file was last changed, in nanoseconds; None if it is gone."""
        try:
            return (self.root / path).stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def written_stamp(self, path: str) -> int | None:
        """The stamp that our own writing gave the file: another one, and somebody changed it since."""
        with self._lock:
            return self._stamps.get(path)

    def replace(self, path: str, text: str) -> None:
        """New content for a note that exists."""
        target = _behind_link(self.root / path)
        temporary = self._temporary(target.parent, lambda out: out.write(_encoded(text)))
        with suppress(OSError):
            shutil.copymode(target, temporary)
        self._stamped(path, temporary)
        temporary.replace(target)
        self._changed(target.parent)

    def create(self, note_id: str | None, text: str, candidates: Iterable[str]) -> str:
        """A new note at the first of the candidates that nobody has; where it is."""
        temporary: Path | None = None
        try:
            for path in candidates:
                target = self.root / path
                if temporary is None or temporary.parent != target.parent:
                    self.make_folder(target.parent)
                    temporary = self._temporary(target.parent, lambda out: out.write(_encoded(text)))
                self._stamped(path, temporary)
                if self._claim(temporary, path):
                    self._changed(target.parent)
                    self._remember(note_id, path)
                    return path
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
        raise FileExistsError("every name for the note is taken")

    def rename(self, note_id: str, path: str, candidates: Iterable[str]) -> str:
        """Move a note to the first of the candidates that is free, which may be its own; where it is then.

        A link stays where a person put it.
        """
        if (self.root / path).is_symlink():
            return path
        for candidate in candidates:
            if candidate == path:
                return path
            target = self.root / candidate
            self.make_folder(target.parent)
            if names.key(candidate) == names.key(path):  # only the case differs: on some disks the same file
                (self.root / path).rename(target)
            elif not self._claim(self.root / path, candidate):
                continue
            self._changed(target.parent)
            with self._lock:
                if path in self._stamps:
                    self._stamps[candidate] = self._stamps.pop(path)
                self._forget(note_id, path)
                self._remember(note_id, candidate)
            with suppress(OSError):
                (self.root / path).parent.rmdir()  # if that was its last file
            return candidate
        return path

    def remove(self, note_id: str, path: str) -> None:
        (self.root / path).unlink(missing_ok=True)
        with self._lock:
            self._forget(note_id, path)

    def copy_in(self, source: Path, path: str) -> bool:
        """A copy of a file whose name says what is in it; False if it is there already."""
        target = self.root / path
        if target.is_file() and target.stat().st_size == source.stat().st_size:
            return False
        self.make_folder(target.parent)
        with source.open("rb") as opened:
            temporary = self._temporary(target.parent, lambda out: shutil.copyfileobj(opened, out, 1 << 20))
        temporary.replace(target)
        self._changed(target.parent)
        return True

    def sync(self) -> None:
        """Make the names of everything written so far outlive a power cut."""
        with self._lock:
            folders, self._unsynced = self._unsynced, set()
        for folder in folders:
            with suppress(OSError):  # not every system lets a folder be opened
                descriptor = os.open(folder, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

    def _index(self) -> dict[str, list[str]]:
        if self._notes is None:
            self._notes = {}
            for path in self._files():
                note_id = _id_of(path)
                if note_id:
                    self._index_note(path, self._notes.setdefault(note_id, []))
        return self._notes

    def _index_note(self, path: Path, paths: list[str]) -> None:
        """One more note of an id. Where it is one that is known, under another name, only one name counts."""
        name = path.relative_to(self.root).as_posix()
        same = next((other for other in paths if path.samefile(self.root / other)), None)
        if same is None:
            paths.append(name)
        elif (self.root / same).is_symlink():
            paths[paths.index(same)] = name
        elif not path.is_symlink():
            path.unlink()  # killed in the middle of a rename: one file, two names

    def _files(self) -> Iterator[Path]:
        """Every note; leftovers of killed processes are removed on the way."""
        for folder in _folders(self.root):
            for path in sorted(entry for entry in folder.iterdir() if not entry.is_dir()):
                if path.name.startswith(_TEMPORARY):
                    with suppress(OSError):
                        if _is_left_over(path):
                            path.unlink()
                elif path.name.lower().endswith(".md") and not path.name.startswith("."):
                    yield path

    def _claim(self, source: Path, path: str) -> bool:
        """Rename `source` to `path` if nobody has that name; names that some disk takes for the same are the same."""
        folder, _, name = path.rpartition("/")
        with self._lock:
            taken = self._taken.get(folder)
            if taken is None:
                taken = self._taken[folder] = {names.key(entry.name) for entry in (self.root / folder).iterdir()}
            if names.key(name) in taken:
                return False
            taken.add(names.key(name))
        try:
            _rename_to_new(source, self.root / path)
        except FileExistsError:
            return False
        return True

    def _remember(self, note_id: str | None, path: str) -> None:
        if note_id is not None:
            with self._lock:
                self._index().setdefault(note_id, [])
                if path not in self._index()[note_id]:
                    self._index()[note_id].append(path)

    def _forget(self, note_id: str, path: str) -> None:
        folder, _, name = path.rpartition("/")
        if not (self.root / path).exists():
            self._taken.get(folder, set()).discard(names.key(name))
        paths = self._index().get(note_id, [])
        if path in paths:
            paths.remove(path)

    def _stamped(self, path: str, temporary: Path) -> None:
        with self._lock:
            self._stamps[path] = temporary.stat().st_mtime_ns

    def _changed(self, folder: Path) -> None:
        with self._lock:
            self._unsynced.add(folder)

    def _temporary(self, folder: Path, write: Callable[[BinaryIO], object]) -> Path:
        """A complete, flushed file beside the place it is for."""
        path = folder / f"{_TEMPORARY}{_host()}-{os.getpid()}-{secrets.token_hex(8)}.tmp"
        try:
            with path.open("xb") as out:
                path.chmod(0o600 | self._others & 0o044)
                write(out)
                out.flush()
                os.fsync(out.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path


_open: WeakValueDictionary[Path, Vault] = WeakValueDictionary()
_opening = threading.Lock()


def vault_at(root: Path, *, shared: bool = False) -> Vault:
    """The vault of a folder, shared by all who use it at the same time, so that a run reads the folder once."""
    with _opening:
        vault = _open.get(root)
        if vault is None:
            vault = _open[root] = Vault(root, shared=shared)
        return vault


def _folders(root: Path) -> Iterator[Path]:
    """The folder and all in it, hidden ones excepted. A link is followed where it leads out of the folder, once."""
    real_root = root.resolve()
    seen, waiting = {real_root}, [root]
    while waiting:
        folder = waiting.pop()
        yield folder
        for entry in sorted(folder.iterdir(), reverse=True):
            if entry.name.startswith(".") or not entry.is_dir():
                continue
            real = entry.resolve()
            is_elsewhere = (
                entry.is_symlink() and not real.is_relative_to(real_root) and not real_root.is_relative_to(real)
            )
            if real not in seen and (is_elsewhere or not entry.is_symlink()):
                seen.add(real)
                waiting.append(entry)


def _behind_link(path: Path) -> Path:
    return path.resolve() if path.is_symlink() else path


def _is_left_over(temporary: Path) -> bool:
    """Whether nobody works on this file any more: its process is gone, or was on another machine an hour ago."""
    host, _, rest = temporary.name.removeprefix(_TEMPORARY).partition("-")
    if host == _host() and os.name == "posix":
        pid = rest.partition("-")[0]
        return not (pid.isdigit() and _is_alive(int(pid)))
    return temporary.stat().st_mtime < time.time() - _LEFTOVER_AFTER_SECONDS


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "", socket.gethostname()) or "here"


def _rename_to_new(source: Path, target: Path) -> None:
    """Rename, unless the target exists. File systems without hard links leave an instant between look and rename."""
    try:
        os.link(source, target)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:
        if target.exists():
            raise FileExistsError(target) from None
        source.rename(target)
    else:
        source.unlink()


def _id_of(path: Path) -> str | None:
    """The id in a note's properties, from the first bytes of the file alone."""
    try:
        with path.open("rb") as opened:
            head = opened.read(_HEAD_BYTES)
            if not head.removeprefix(b"\xef\xbb\xbf").startswith(b"---"):
                return None
            if len(head) == _HEAD_BYTES and not _END_OF_HEAD.search(head):
                head += opened.read(_LONGEST_HEAD)
    except OSError:
        return None
    end = _END_OF_HEAD.search(head)
    if end is None:
        return None
    for line in head[: end.start()].splitlines()[1:]:
        if line.startswith((b"id:", b'"id":')):
            value = parse(line.decode("utf-8", "replace"))[0].value
            return value if isinstance(value, str) else None
    return None


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
