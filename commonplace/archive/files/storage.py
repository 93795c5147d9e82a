"""Where the archive's files are: a folder, or a bucket of an object store with local copies of what was read."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from commonplace.errors import Halt, Refused, Retryable

_HASH = re.compile(r"[0-9a-f]{64}")
_CHUNK = 8 << 20


class Storage(Protocol):
    """Files by the hash of their bytes."""

    def has(self, sha256: str) -> bool: ...

    def keep(self, temporary: Path, sha256: str) -> None:
        """Give a complete file from `scratch` its storage. It may be moved away by that."""

    def local(self, sha256: str) -> Path | None:
        """A path to read it from."""

    def remove(self, sha256: str) -> None: ...

    def names(self) -> Iterator[tuple[str, int]]:
        """The hash of every file there, and when it was stored."""

    def scratch(self) -> Path:
        """A folder for temporary files from which `keep` is one step."""


class Folder:
    """`<folder>/ab/abcdef...`: the first two digits keep each folder small."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def has(self, sha256: str) -> bool:
        return self._path(sha256).is_file()

    def keep(self, temporary: Path, sha256: str) -> None:
        path = self._path(sha256)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        temporary.replace(path)

    def local(self, sha256: str) -> Path | None:
        path = self._path(sha256)
        return path if path.is_file() else None

    def remove(self, sha256: str) -> None:
        self._path(sha256).unlink(missing_ok=True)

    def names(self) -> Iterator[tuple[str, int]]:
        for path in self._root.glob("??/*"):
            if _HASH.fullmatch(path.name):
                yield path.name, path.stat().st_mtime_ns // 1000

    def scratch(self) -> Path:
        return self._root / "partial"

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256


class Bucket:
    """An object store. Credentials and region are those of the environment (`AWS_ACCESS_KEY_ID`, ...)."""

    def __init__(self, url: str) -> None:
        self._obstore = _load_obstore()
        try:
            self._store: Any = self._obstore.store.from_url(url)
        except (ValueError, self._obstore.exceptions.BaseError) as exc:
            raise Refused(
                "COMMONPLACE_FILES is not the address of an object store.", hint="Use a folder, or s3://bucket/prefix."
            ) from exc
        self._copies = Folder(_copies_folder(url))

    def has(self, sha256: str) -> bool:
        try:
            with self._translated():
                self._obstore.head(self._store, _key(sha256))
        except FileNotFoundError:
            return False
        return True

    def keep(self, temporary: Path, sha256: str) -> None:
        try:
            with self._translated():
                self._obstore.put(self._store, _key(sha256), temporary)
        except FileNotFoundError as exc:
            raise Halt("The bucket of COMMONPLACE_FILES does not exist.", hint="Create it first.") from exc

    def local(self, sha256: str) -> Path | None:
        copy = self._copies.local(sha256)
        if copy is not None:
            return copy
        folder = self._copies.scratch()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with self._translated(), tempfile.NamedTemporaryFile(dir=folder, delete=False) as out:
                for chunk in self._obstore.get(self._store, _key(sha256)).stream(min_chunk_size=_CHUNK):
                    out.write(chunk)
        except FileNotFoundError:
            return None
        self._copies.keep(Path(out.name), sha256)
        return self._copies.local(sha256)

    def remove(self, sha256: str) -> None:
        self._copies.remove(sha256)
        with suppress(FileNotFoundError), self._translated():
            self._obstore.delete(self._store, _key(sha256))

    def names(self) -> Iterator[tuple[str, int]]:
        with self._translated():
            for page in self._obstore.list(self._store):
                for entry in page:
                    name = str(entry["path"]).rpartition("/")[2]
                    if _HASH.fullmatch(name):
                        yield name, int(entry["last_modified"].timestamp() * 1_000_000)

    def scratch(self) -> Path:
        return self._copies.scratch()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the store's errors into ours; "not found" stays what it is."""
        errors = self._obstore.exceptions
        try:
            yield
        except FileNotFoundError:
            raise
        except errors.NotFoundError as exc:
            raise FileNotFoundError("not in the object store") from exc
        except (errors.PermissionDeniedError, errors.UnauthenticatedError, errors.UnknownConfigurationKeyError) as exc:
            raise Halt(
                "The object store of COMMONPLACE_FILES refused our credentials.",
                hint="Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION (or AWS_ENDPOINT).",
            ) from exc
        except errors.BaseError as exc:
            raise Retryable(f"The object store of COMMONPLACE_FILES did not answer ({type(exc).__name__}).") from exc


@lru_cache(maxsize=8)
def storage_at(location: str) -> Storage:
    """The storage that a setting names: a path, or a URL such as `s3://bucket/prefix`."""
    if "://" not in location:
        return Folder(Path(location).expanduser())
    return Bucket(location)


def _key(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"


def _load_obstore() -> Any:
    try:
        import obstore
        import obstore.store
    except ImportError as exc:
        raise Refused(
            "COMMONPLACE_FILES names an object store, and the package obstore is not installed.",
            hint="Install commonplace-book[s3].",
        ) from exc
    return obstore


def _copies_folder(url: str) -> Path:
    import platformdirs

    name = hashlib.sha256(url.encode()).hexdigest()[:16]
    return Path(platformdirs.user_cache_dir("commonplace", appauthor=False)) / "files" / name
