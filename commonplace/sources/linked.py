"""A large export comes as several zips, with a file that lists them: which ones it names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

MANIFESTS = frozenset({"manifest.json", "export_manifest.json"})
_MOST_BYTES = 1_000_000
_OF_ITSELF = re.compile(rb'"(?:logical_files|export_files)"\s*:')
"""ChatGPT's lists the files of its own zip, among them zips that somebody uploaded."""
_ZIP = re.compile(rb'"(?:[^"\\]{0,1000}/)?([^"\\/]{1,200}\.zip)"', re.IGNORECASE)


def last_of(name: str) -> str:
    """A file's name without its folders: said of each of a hundred thousand, a `PurePosixPath` would take seconds."""
    return name.rpartition("/")[2]


def linked_zips(members: Iterable[str], start: Callable[[str, int], bytes]) -> set[str]:
    """The names of the zips that the manifests among `members` list, whatever shape those have."""
    told = (start(name, _MOST_BYTES) for name in members if last_of(name) in MANIFESTS)
    return {
        name.decode("utf-8", "replace") for text in told if not _OF_ITSELF.search(text) for name in _ZIP.findall(text)
    }
