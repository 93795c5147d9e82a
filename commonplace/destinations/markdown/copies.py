"""What a person wrote where our text was: kept beside the note, as a note that is theirs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from commonplace.destinations.markdown import names
from commonplace.destinations.markdown.note import conflict_copy
from commonplace.destinations.markdown.vault import Vault


def keep_edited(vault: Vault, id: str, path: str, text: str) -> bool:
    """Keep this version of the note at `path`; False if it is kept already, because we were killed right after."""
    copy = conflict_copy(text, {"commonplace_copy_of": id})
    for candidate in _names(path):
        try:
            if vault.read(candidate) == copy:
                return False
        except FileNotFoundError:
            vault.create(None, copy, [candidate])
            break
    return True


def _names(path: str) -> Iterator[str]:
    yield f"{names.with_suffix(path[:-3], 'edited copy')}.md"
    for number in count(2):
        yield f"{names.with_suffix(path[:-3], f'edited copy {number}')}.md"
