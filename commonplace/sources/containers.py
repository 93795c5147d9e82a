"""Where an export's files are: in a zip, in a folder, or in one file. Hostile ones are refused before a byte is used.

Members are only ever read, under the name they have inside; nothing is unpacked to a path that an archive chose.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import msgspec

from commonplace.errors import LeftOut, Refused
from commonplace.sources.file_types import UNPACK, packed_with
from commonplace.sources.limits import MEGABYTE, Limits, Meter, Metered
from commonplace.sources.linked import last_of, linked_zips
from commonplace.sources.splitting import Buffer

IN_MEMORY = 32 * MEGABYTE
"""Unpacked members beyond this go through an unnamed temporary file, so that memory stays small."""

NESTED = re.compile(r"conversations__.*\.zip", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")
_LOCAL_HEADER = 30
_BEGINNING = 512
_FEW_BYTES = 4 * MEGABYTE
_CLOSED = "Make it readable for the user that Commonplace runs as."
_ENCRYPTED = 0x1
_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_UNREADABLE = (zipfile.BadZipFile, RuntimeError)
"""What zipfile raises for what it cannot read: where it lacks a password a RuntimeError, and where it does not know a
compression or a version of the format a NotImplementedError, which is one."""


class Unreadable(Exception):
    """A member that is there but damaged. The message says how."""


class Container(Protocol):
    """Files by name."""

    members: dict[str, int]
    """Their names, with the size that their container states."""
    left_out: Sequence[LeftOut]
    """What is in it and no member, and why: of files of one name the last one counts, as it does for every unzip."""

    def open(self, name: str) -> BinaryIO: ...

    def load(self, name: str) -> Buffer:
        """The member's bytes to scan: in memory if they are few, else mapped. Raises `Unreadable`."""

    def close(self) -> None: ...


def open_container(path: Path, limits: Limits) -> Container:
    """Whatever `path` is, told by its content."""
    if path.is_dir():
        return _with_nested(Folder(path, limits), limits)
    try:
        with there(path).open("rb") as file:
            start = file.read(_BEGINNING)
    except PermissionError as exc:
        raise Refused(f"{path.name!r} may not be opened.", hint=_CLOSED) from exc
    if packed := packed_with(start):
        raise Refused(f"{path.name!r} is packed with {packed}, which Commonplace does not open.", hint=UNPACK)
    is_zip = start.startswith(b"PK")
    return _with_nested(Zip(path.open("rb"), path.name, limits), limits) if is_zip else LoneFile(path, limits)


def start_of(container: Container, name: str, size: int) -> bytes:
    """The first bytes of a file; none if it cannot be read."""
    try:
        with container.open(name) as stream:
            return stream.read(size)
    except (Unreadable, zipfile.BadZipFile, zlib.error, EOFError, OSError):
        return b""


def there(path: Path) -> Path:
    """`path` if there is a file. A pipe or a device is none: it would never end."""
    if path.is_file():
        return path
    what = "is neither a file nor a folder" if path.exists() else "is not there"
    raise Refused(f"{path.name!r} {what}.", hint="Check the path: a file or a folder can be imported.")


class LoneFile:
    """A file by itself."""

    left_out: Sequence[LeftOut] = ()

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = path
        self.members = {path.name: path.stat().st_size}
        Meter(limits).count(path.name, self.members[path.name], None)

    def open(self, name: str) -> BinaryIO:
        return self._path.open("rb")

    def load(self, name: str) -> Buffer:
        return _mapped(self._path)

    def close(self) -> None:
        pass


class Folder:
    """An unpacked export. Links that lead out of it are refused."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._root = path.resolve()
        self._meter = Meter(limits)
        self.members: dict[str, int] = {}
        self.left_out: Sequence[LeftOut] = []
        for name, size in self._files():
            if len(self.members) >= limits.entries:
                raise Refused(f"{path.name!r} holds more than {limits.entries:,} files.")
            self.members[name] = size

    def _files(self) -> Iterator[tuple[str, int]]:
        """Their names and sizes, without a `Path` for each of very many."""
        waiting = [""]
        while waiting:
            subfolders: list[str] = []
            for entry in self._entries(below := waiting.pop()):
                name = f"{below}{entry.name}"
                if entry.is_symlink():
                    self._check_link(name)
                if entry.is_dir(follow_symlinks=False):
                    subfolders += [f"{name}/"] if entry.name != "__MACOSX" else []
                elif entry.is_file() and not _is_litter(entry.name):
                    with contextlib.suppress(FileNotFoundError):  # it went meanwhile
                        yield name, entry.stat().st_size
            waiting += reversed(subfolders)

    def _entries(self, below: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._root.joinpath(below)) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except PermissionError as exc:
            if not below:
                raise Refused(f"{self._root.name!r} may not be opened.", hint=_CLOSED) from exc
            self.left_out = [*self.left_out, LeftOut(below, "a folder that may not be opened")]
        except FileNotFoundError:
            pass
        return []

    def _check_link(self, name: str) -> None:
        path = self._root.joinpath(name)
        try:
            with contextlib.suppress(FileNotFoundError):
                path.stat()  # since Python 3.13, `resolve` goes in a circle without a word
            leads_out = not path.resolve().is_relative_to(self._root)
        except (OSError, RuntimeError):  # in a circle
            leads_out = True
        if leads_out:
            told = last_of(name)
            raise Refused(f"{told!r} in the folder is a link that points outside it.", hint="Remove the link.")

    def open(self, name: str) -> BinaryIO:
        file = self._root.joinpath(name).open("rb")
        return cast(BinaryIO, Metered(file, lambda read: self._meter.count(name, read, None)))

    def load(self, name: str) -> Buffer:
        self._meter.count(name, self.members[name], None)
        try:
            return _mapped(self._root.joinpath(name))
        except OSError as exc:  # it went meanwhile, or is closed to us
            raise Unreadable(f"cannot be read ({exc.strerror})") from exc

    def close(self) -> None:
        pass


class Zip:
    """A zip. Its directory is checked as a whole before any member is read, its members while they are."""

    def __init__(self, file: BinaryIO, name: str, limits: Limits) -> None:
        self._name = name
        self._meter = Meter(limits)
        self._file = file
        try:
            self._zip = zipfile.ZipFile(file)
            entries = [entry for entry in self._zip.infolist() if not entry.is_dir()]
            self._check(entries, limits)
        except (*_UNREADABLE, ValueError, OSError, EOFError) as exc:
            file.close()
            raise Refused(
                f"{name!r} is not a whole zip: {exc}.", hint="It may have been cut off: download it again."
            ) from exc
        except Refused:
            file.close()
            raise
        named = {entry.filename.replace("\\", "/"): entry for entry in entries}
        times = Counter(entry.filename.replace("\\", "/") for entry in entries)
        self.left_out: Sequence[LeftOut] = [
            LeftOut(name, "there twice, and the last one counts")
            for name, count in times.items()
            if count > 1 and not _is_litter(name)
        ]
        self._entries = {name: entry for name, entry in named.items() if not _is_litter(name)}
        self.members = {name: entry.file_size for name, entry in self._entries.items()}

    def _check(self, entries: list[zipfile.ZipInfo], limits: Limits) -> None:
        if len(entries) > limits.entries:
            raise Refused(f"{self._name!r} holds more than {limits.entries:,} files.")
        for entry in entries:
            problem = _problem(entry)
            if problem:
                raise Refused(f"{self._name!r} is not safe to read: {entry.filename!r} {problem}.")
        end = 0
        for entry in sorted(entries, key=lambda entry: entry.header_offset):
            if entry.header_offset < end:
                raise Refused(f"{self._name!r} is not safe to read: its files overlap, as only those of a bomb do.")
            end = entry.header_offset + _LOCAL_HEADER + len(entry.filename) + entry.compress_size
        if entries and end > self._zip.start_dir:
            raise Refused(f"{self._name!r} is not safe to read: its files reach into its directory.")

    def open(self, name: str) -> BinaryIO:
        entry = self._entries[name]
        try:
            stream = self._zip.open(entry)
        except _UNREADABLE as exc:
            raise Unreadable(_told(exc)) from exc
        return cast(
            BinaryIO, Metered(cast(BinaryIO, stream), lambda read: self._meter.count(name, read, entry.compress_size))
        )

    def load(self, name: str) -> Buffer:
        try:
            with self.open(name) as stream:
                return _spooled(stream)
        except (*_UNREADABLE, zlib.error, EOFError, OSError) as exc:
            raise Unreadable(_told(exc)) from exc

    def close(self) -> None:
        self._zip.close()
        self._file.close()


class Nest:
    """A container with the zips in it that hold more conversations, opened one level deep, as folders of it."""

    def __init__(self, outer: Container, inner: dict[str, Zip]) -> None:
        self._outer = outer
        self._inner = inner
        self.members = {name: size for name, size in outer.members.items() if name not in inner}
        self.left_out: Sequence[LeftOut] = [
            *outer.left_out,
            *(
                msgspec.structs.replace(one, name=f"{place}/{one.name}")
                for place, nested in inner.items()
                for one in nested.left_out
            ),
        ]
        for place, nested in inner.items():
            self.members.update((f"{place}/{name}", size) for name, size in nested.members.items())

    def _find(self, name: str) -> tuple[Container, str]:
        for place, nested in self._inner.items():
            if name.startswith(f"{place}/"):
                return nested, name[len(place) + 1 :]
        return self._outer, name

    def open(self, name: str) -> BinaryIO:
        container, inside = self._find(name)
        return container.open(inside)

    def load(self, name: str) -> Buffer:
        container, inside = self._find(name)
        return container.load(inside)

    def close(self) -> None:
        for nested in self._inner.values():
            nested.close()
        self._outer.close()


def _with_nested(outer: Container, limits: Limits) -> Container:
    """Zips in it that are parts of the export: by their names, or because its manifest lists them."""
    inner: dict[str, Zip] = {}
    listed = linked_zips(outer.members, lambda name, size: start_of(outer, name, size))
    with contextlib.ExitStack() as opened:
        opened.callback(outer.close)
        for name in sorted(outer.members):
            if (base := last_of(name)) in listed or NESTED.fullmatch(base):
                file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - closed with its Zip
                try:
                    with outer.open(name) as stream:
                        shutil.copyfileobj(stream, file, MEGABYTE)
                except (Unreadable, zipfile.BadZipFile, zlib.error, EOFError) as exc:
                    file.close()
                    raise Refused(f"{name!r} in the export is damaged.", hint="Download the export again.") from exc
                except BaseException:
                    file.close()
                    raise
                inner[name] = Zip(file, name, limits)
                opened.callback(inner[name].close)
        opened.pop_all()
    return Nest(outer, inner) if inner else outer


def _problem(entry: zipfile.ZipInfo) -> str | None:
    """Why an honest archive would not hold this entry."""
    name = entry.orig_filename.replace("\\", "/")
    if "\0" in name:
        return "has a NUL in its name"
    if name.startswith("/") or _DRIVE.match(name):
        return "has an absolute path"
    if ".." in name.split("/"):
        return "points outside the archive"
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted (unpack it with its password and import the folder)"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    return None


def _is_litter(name: str) -> bool:
    """What operating systems leave in archives."""
    *folders, base = name.split("/")
    return "__MACOSX" in folders or base.startswith("._") or base in _LITTER


def _told(exc: BaseException) -> str:
    return f"cannot be unpacked ({type(exc).__name__})" if not isinstance(exc, zipfile.BadZipFile) else "is damaged"


def _mapped(path: Path) -> Buffer:
    with path.open("rb") as file:
        return _mapped_file(file)


def _mapped_file(file: BinaryIO) -> Buffer:
    """A small file is read: one that is mapped and cut short meanwhile ends the process."""
    if file.seek(0, io.SEEK_END) <= _FEW_BYTES:
        file.seek(0)
        return file.read()
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _spooled(stream: BinaryIO) -> Buffer:
    start = stream.read(IN_MEMORY + 1)
    if len(start) <= IN_MEMORY:
        return start
    with tempfile.TemporaryFile() as file:
        file.write(start)
        del start
        shutil.copyfileobj(stream, file, MEGABYTE)
        file.flush()
        return _mapped_file(cast(BinaryIO, file))
