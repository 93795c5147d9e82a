"""The archive as tables for other tools: Polars frames, and files of them, written in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from sqlalchemy import Select, and_, select

from commonplace.archive.core import Archive
from commonplace.archive.figures.whole_file import whole_file
from commonplace.archive.schema import conversations, messages, projects
from commonplace.archive.scope import Scope
from commonplace.archive.verdicts.titles import shown_title
from commonplace.errors import Refused

if TYPE_CHECKING:
    from polars import DataFrame, Expr, Schema

Format = Literal["parquet", "jsonl", "csv"]
FORMATS: tuple[Format, ...] = ("parquet", "jsonl", "csv")

ROWS_AT_ONCE = 10_000
"""Of conversations; messages, which carry texts, come a fifth as many at a time."""

ROW_GROUP = ROWS_AT_ONCE
"""Of Parquet, which is put together in memory: a hundred thousand messages took 600 MB."""

_FORMULA = r"^[=+\-@\t\r]"
"""How a cell begins that spreadsheets compute."""
_MOMENTS = ("created_at", "updated_at")


def conversation_frames(archive: Archive, scope: Scope = Scope(), *, rows: int = ROWS_AT_ONCE) -> Iterator[DataFrame]:
    """Conversations and what holds of them, oldest first; at least one frame, which may be empty."""
    table = conversations.c
    query = select(
        table.id,
        shown_title(),
        table.created_at,
        table.updated_at,
        table.source,
        table.account,
        table.model,
        projects.c.name.label("project"),
        table.project_id,
        table.category,
        table.confidence,
        table.tags,
        table.summary,
        table.language,
        table.message_count,
        table.character_count,
        table.url,
    )
    return _frames(archive, _placed(query, scope, archive), rows, tagged=True)


def message_frames(archive: Archive, scope: Scope = Scope(), *, rows: int = ROWS_AT_ONCE // 5) -> Iterator[DataFrame]:
    """Messages in reading order, every branch, hidden ones too: `active` and `hidden` tell them apart."""
    table = messages.c
    query = select(
        conversations.c.id.label("conversation_id"),
        table.id,
        table.parent_id.label("parent"),
        table.role,
        table.created_at,
        table.model,
        table.content_type,
        table.is_active.label("active"),
        table.is_hidden.label("hidden"),
        table.text,
    )
    joined = _placed(query, scope, archive, said=True)
    return _frames(archive, joined, rows, tagged=False)


def write_frame(
    archive: Archive,
    path: Path,
    format: Format,
    *,
    scope: Scope = Scope(),
    messages: bool = False,
    formulas: bool = False,
) -> int:
    """Write conversations (or messages) to a file and return how many; a file that is there is replaced at the end.

    Rows stream from the database into the file. Where a format knows no moments or lists they are text: ISO 8601 in
    UTC, tags with commas between them. What a spreadsheet would take for a formula has a `'` in front in CSV, unless
    `formulas` are wanted.
    """
    if format not in FORMATS:
        raise Refused(f"There is no format {format!r}.", hint=f"Use one of: {', '.join(FORMATS)}.")
    frames = message_frames(archive, scope) if messages else conversation_frames(archive, scope)
    counted = _Counted(_defused(frames) if format == "csv" and not formulas else frames)
    with whole_file(path, "The table") as unfinished:
        _sink(counted, unfinished, format)
    return counted.rows


class _Counted:
    """Frames that are counted as they pass."""

    def __init__(self, frames: Iterator[DataFrame]) -> None:
        self._frames = frames
        self.rows = 0

    def __iter__(self) -> Iterator[DataFrame]:
        for frame in self._frames:
            self.rows += frame.height
            yield frame


def _sink(frames: Iterable[DataFrame], path: Path, format: Format) -> None:
    """Hand the frames to Polars' streaming engine, one at a time."""
    from polars.io.plugins import register_io_source

    passing = iter(frames)
    first = next(passing)

    def source(_columns: object, _predicate: object, _rows: object, _batch: object) -> Iterator[DataFrame]:
        yield first
        yield from passing

    lazy = register_io_source(source, schema=first.schema)
    if format == "parquet":
        lazy.sink_parquet(path, compression="zstd", row_group_size=ROW_GROUP)
    elif format == "jsonl":
        lazy.with_columns(_moments_as_text(first)).sink_ndjson(path)
    else:
        lazy.with_columns(_moments_as_text(first) + _lists_as_text(first)).sink_csv(path)


def _defused(frames: Iterable[DataFrame]) -> Iterator[DataFrame]:
    """Texts that are never computed, however a title begins: strangers write titles too."""
    import polars as pl

    def plain(text: Expr) -> Expr:
        return pl.when(text.str.contains(_FORMULA)).then(pl.lit("'") + text).otherwise(text)

    for frame in frames:
        texts = [plain(pl.col(name)).alias(name) for name, kind in frame.schema.items() if kind == pl.String]
        lists = [
            pl.col(name).list.eval(plain(pl.element()))
            for name, kind in frame.schema.items()
            if kind == pl.List(pl.String)
        ]
        yield frame.with_columns(texts + lists)


def _moments_as_text(frame: DataFrame) -> list[Expr]:
    import polars as pl

    return [pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%SZ") for name in _MOMENTS if name in frame.columns]


def _lists_as_text(frame: DataFrame) -> list[Expr]:
    import polars as pl

    return [pl.col(name).list.join(", ") for name, kind in frame.schema.items() if isinstance(kind, pl.List)]


def _placed(query: Select[Any], scope: Scope, archive: Archive, *, said: bool = False) -> Select[Any]:
    table = conversations.c
    named = and_(projects.c.owner == table.owner, projects.c.id == table.project_id)
    source = conversations.outerjoin(projects, named)
    order: tuple[Any, ...] = (table.updated_at.nulls_first(), table.id)
    if said:
        source = source.join(messages, messages.c.conversation_key == table.key)
        order = (*order, messages.c.position, messages.c.key)
    return query.select_from(source).where(scope.clause(archive)).order_by(*order)


def _schema(query: Select[Any]) -> Schema:
    """The same column types in every batch, whatever is in it."""
    import polars as pl

    kinds: dict[type, Any] = {int: pl.Int64, float: pl.Float64, bool: pl.Boolean, str: pl.String}
    types = {column.name: kinds[column.type.python_type] for column in query.selected_columns}
    for name in types:
        if name in _MOMENTS:
            types[name] = pl.Datetime("us", "UTC")
        elif name == "tags":
            types[name] = pl.List(pl.String)
    return pl.Schema(types)


def _frames(archive: Archive, query: Select[Any], rows: int, *, tagged: bool) -> Iterator[DataFrame]:
    import polars as pl

    schema = _schema(query)
    names = list(schema)
    stored = pl.Schema({name: pl.Int64() if name in _MOMENTS else kind for name, kind in schema.items()})
    with archive.read() as connection:
        found = connection.execution_options(yield_per=rows).execute(query)
        is_empty = True
        for batch in found.partitions(rows):
            is_empty = False
            columns = dict(zip(names, map(list, zip(*batch, strict=True)), strict=True))
            if tagged:
                columns["tags"] = [msgspec.json.decode(value, type=list[str]) for value in columns["tags"]]
            yield pl.DataFrame(columns, schema=stored).cast(schema)
        if is_empty:
            yield pl.DataFrame(schema=schema)
