"""Which account an export is of: as somebody says, as the export itself says, or as the folder says that it lies in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import msgspec

from commonplace.config import AccountSettings
from commonplace.errors import Refused
from commonplace.sources.contract import Export
from commonplace.sources.getting import title_of

_TELLS_OF_ITS_OWNER = frozenset({"user.json", "users.json"})
_MOST_BYTES = 1_000_000
_ADDRESS = re.compile(rb"[\w.+%-]{1,64}@[\w.-]{1,255}", re.ASCII)


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """The accounts that are known, by name, and the one that somebody named for what is imported now."""

    known: Mapping[str, AccountSettings] = {}
    named: str = ""

    def check(self) -> None:
        """Refused where what was named is no account: a typing error must not make one."""
        if self.named and self.named not in self.known:
            there = f"There are: {', '.join(self.known)}." if self.known else "There is none yet."
            raise Refused(
                f"There is no account {self.named!r}.",
                hint=f"{there} The settings name one as [accounts.{self.named}], with its source.",
            )

    def of(self, export: Export, path: Path) -> str:
        """The account of an export; empty: the one without a name of its own."""
        its = self._of_source(export.source)
        if self.named and self.named not in its:
            source = title_of(self.known[self.named].source_of(self.named))
            raise Refused(f"The account {self.named!r} is one of {source}, and {path.name!r} is of {export.title}.")
        if self.named:
            return _name(self.named, export.source)
        addresses = _addresses(export) if any(account.address for account in its.values()) else frozenset()
        found = [name for name, account in its.items() if account.address.lower() in addresses]
        return _name(found[0], export.source) if len(found) == 1 else self.expected(export.source, path) or ""

    def expected(self, source: str, path: Path) -> str | None:
        """The same as far as it is known without opening anything; None: the export may say."""
        its = self._of_source(source)
        if self.named:
            return _name(self.named, source)
        found = [name for name, account in its.items() if _lies_in(path, account.folders)]
        if len(found) > 1:
            raise Refused(
                f"{path.name!r} lies in a folder of several accounts: {', '.join(found)}.",
                hint="Give each a folder of its own, or say --account.",
            )
        return _name(found[0], source) if found else None

    def _of_source(self, source: str) -> dict[str, AccountSettings]:
        return {name: account for name, account in self.known.items() if account.source_of(name) == source}


def _name(account: str, source: str) -> str:
    """An account that is called as its assistant is the one without a name."""
    return "" if account == source else account


def _lies_in(path: Path, folders: tuple[str, ...]) -> bool:
    return any(path.absolute().is_relative_to(Path(folder).expanduser().absolute()) for folder in folders)


def _addresses(export: Export) -> frozenset[str]:
    """Those in the files that tell whose export it is."""
    found: set[str] = set()
    for name in export.members:
        if PurePosixPath(name).name in _TELLS_OF_ITS_OWNER:
            with export.open_member(name) as file:
                found.update(told.decode().lower() for told in _ADDRESS.findall(file.read(_MOST_BYTES)))
    return frozenset(found)
