"""Where a generated export goes, file by file: one json, a folder, a zip."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import BinaryIO, Protocol


class Sink(Protocol):
    """Where an export goes: file by file."""

    def write(self, name: str, data: bytes) -> None: ...
    def close(self) -> None: ...


class OneFile:
    """Everything in one json, as in older exports; nothing but conversations."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self._is_first = True

    def write(self, name: str, data: bytes) -> None:
        if name.startswith("conversations-"):
            self._file.write(b"[" if self._is_first else b", ")
            self._file.write(memoryview(data)[1:-1])
            self._is_first = False

    def close(self) -> None:
        self._file.write(b"]")
        self._file.close()


class InFolder:
    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, data: bytes) -> None:
        target = self._path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def close(self) -> None:
        pass


class InZip:
    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=4)

    def write(self, name: str, data: bytes) -> None:
        self._zip.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 4)

    def close(self) -> None:
        self._zip.close()


SINKS: dict[str, type[OneFile] | type[InFolder] | type[InZip]] = {"json": OneFile, "folder": InFolder, "zip": InZip}
