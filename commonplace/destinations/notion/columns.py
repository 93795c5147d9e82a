"""Which property of the database holds which of our fields, and what the options of its selects are called there.

A property is found by its name once and by its id from then on, so whatever a person calls it later, it is followed;
and so is an option. A name that is set anew in `property_names` is looked for again, and so is a column that was
removed: the one that takes its place holds nothing that was written before. What is
known is remembered with the ledger. Where nothing is remembered, as after the archive was lost, names alone count.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from commonplace.destinations.contract import Ledger
from commonplace.destinations.notion.properties import (
    HASH,
    PEOPLES,
    TITLE,
    from_notion,
    names_of,
    own_names,
    to_notion,
    types_of,
)
from commonplace.destinations.notion.schema import DataSource
from commonplace.destinations.notion.settings import NotionSettings

Json = dict[str, Any]

MEMORY = "notion columns"
TITLE_ID = "title"
CHOICES = ("select", "multi_select")


class _Column(msgspec.Struct, frozen=True):
    id: str
    configured: str
    """The name that the settings gave it when it was found."""
    is_remade: bool = False
    """Whether it took the place of one that was removed: what was written before is not in it."""


class _Option(msgspec.Struct, frozen=True):
    ours: str
    shown: str


class _Memory(msgspec.Struct):
    columns: dict[str, _Column] = {}
    options: dict[str, dict[str, _Option]] = {}
    """Field -> option's id -> what we mean by it, and what it is called there."""


class Columns:
    """The fields that there are, by property id. Safe to share between threads."""

    def __init__(self, source: DataSource, settings: NotionSettings, remembered: str | None = None) -> None:
        known = msgspec.json.decode(remembered, type=_Memory) if remembered else _Memory()
        self._types = types_of(settings)
        self._lock = threading.Lock()
        self._written = remembered
        self._columns = dict(_found(source, names_of(settings), known.columns))
        self._known = known.columns | self._columns
        self._options: dict[str, dict[str, _Option]] = {}
        for field, column in self._columns.items():
            if self._types[field] in CHOICES:
                options = source.properties[column.id].options if column.id in source.properties else []
                self._options[field] = _followed(options, known.options.get(field, {}))
        self._renamed = {
            field: {id: option for id, option in options.items() if option.ours != option.shown}
            for field, options in self._options.items()
        }
        self._meant = {
            field: {id: option.ours for id, option in options.items()} for field, options in self._renamed.items()
        }

    @property
    def ids(self) -> dict[str, str]:
        """Field -> property id."""
        return {field: column.id for field, column in self._columns.items()}

    @property
    def places(self) -> dict[str, str]:
        """Where the values of a field are, if that is not in the column of our name that was found first."""
        own = own_names({field: column.configured for field, column in self._columns.items()})
        return own | {field: column.id for field, column in self._columns.items() if column.is_remade}

    def has(self, field: str) -> bool:
        return field in self._columns

    def value(self, row: Json, field: str) -> Any:
        """What a row shows in a field, in our terms; None also where it does not show the field."""
        found = self._property(row, field)
        return from_notion(found, self._meant.get(field, {})) if found else None

    def shown(self, row: Json, fields: Iterable[str]) -> dict[str, Any]:
        """The fields that are in a row, in our terms."""
        return {
            field: from_notion(found, self._meant.get(field, {}))
            for field in fields
            if (found := self._property(row, field))
        }

    def written(self, values: Mapping[str, Any], fields: Iterable[str], hash_: str) -> Json:
        """These fields and `Hash`, as a request has them."""
        body = {
            self._columns[field].id: to_notion(field, self._called(field, values[field]), self._types[field])
            for field in fields
            if field in self._columns and field in values
        }
        if HASH in self._columns:
            body[self._columns[HASH].id] = to_notion(HASH, hash_, "rich_text")
        return body

    def learn(self, answer: Json, values: Mapping[str, Any]) -> dict[str, Any]:
        """The ids of options from the answer to a write: it is the first to show those that the write made. And how
        Notion spells what people may change of these values, so that its spelling is not taken for a person's."""
        for field in self._options:
            found = self._property(answer, field) or {}
            content = found.get(found.get("type", "")) or []
            shown = [option for option in (content if isinstance(content, list) else [content]) if "id" in option]
            wanted = values.get(field) or []
            names = {self._called(field, name): name for name in (wanted if isinstance(wanted, list) else [wanted])}
            with self._lock:
                for option in shown:
                    if option["name"] in names:
                        ours = names[option["name"]]
                        self._options[field].setdefault(option["id"], _Option(ours, option["name"]))
        return self.shown(answer, PEOPLES.keys() & values.keys())

    def remember(self, ledger: Ledger) -> None:
        """Keep what is known for the next run, if it is news."""
        with self._lock:
            text = msgspec.json.encode(_Memory(self._known, self._options)).decode()
        if text != self._written:
            ledger.remember(MEMORY, text)
            self._written = text

    def option_names(self, field: str) -> set[str]:
        """What can be chosen, in our terms."""
        return {option.ours for option in self._options.get(field, {}).values()}

    def _property(self, row: Json, field: str) -> Json | None:
        id = self._columns[field].id if field in self._columns else None
        return next((found for found in row.get("properties", {}).values() if found.get("id") == id), None)

    def _called(self, field: str, value: Any) -> Any:
        """Our name of an option as it is called there."""
        if isinstance(value, list):
            return [self._called(field, name) for name in value]
        return next((option.shown for option in self._renamed.get(field, {}).values() if option.ours == value), value)


def _followed(options: Iterable[Json], known: Mapping[str, _Option]) -> dict[str, _Option]:
    """Options by id: what they are called now, and what we meant by them when we saw them first."""
    return {
        option["id"]: _Option(known[option["id"]].ours if option["id"] in known else option["name"], option["name"])
        for option in options
        if "id" in option
    }


def _found(source: DataSource, names: Mapping[str, str], known: Mapping[str, _Column]) -> Iterator[tuple[str, _Column]]:
    for field, name in names.items():
        before = known.get(field)
        if field == TITLE:
            yield field, _Column(TITLE_ID, name)
        elif before and before.configured == name and before.id in source.properties:
            yield field, before
        elif found := source.named(name):
            yield field, _Column(found.id, name, is_remade=before is not None and before.configured == name)
