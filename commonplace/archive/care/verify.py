"""Whether the archive is what it should be: looks at everything, changes nothing, says what to do about a finding."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec
from sqlalchemy import Connection, Row, func, select, text
from sqlalchemy.exc import DBAPIError

from commonplace.archive.conversations.hashing import VERSION, hash_nodes
from commonplace.archive.core import Archive
from commonplace.archive.faults import Damaged
from commonplace.archive.files.files import has_file, hash_file, path_of
from commonplace.archive.leases import importing, running
from commonplace.archive.schema import attachments, conversations, files, imports, messages
from commonplace.archive.search import text_index

_AT_ONCE = 500
_EXAMPLES = 5
DAMAGED = "The database file is damaged."
_RESTORE = "Restore the newest backup (`commonplace restore FILE --force`), then import newer exports again."
_IMPORT_AGAIN = "Import the export that brought it again."


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it should be, how often, a few examples (ids, never text), and what to do."""

    subject: str
    problem: str
    remedy: str
    count: int = 1
    examples: list[str] = []

    def __str__(self) -> str:
        such_as = f" ({self.count}: {', '.join(self.examples)})" if self.examples else ""
        return f"{self.problem}{such_as} {self.remedy}"


class VerifyReport(msgspec.Struct, kw_only=True):
    """What was looked at, and what was found."""

    checked: dict[str, int] = msgspec.field(default_factory=dict)
    findings: list[Problem] = msgspec.field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_well(self) -> bool:
        return not self.findings


class _Tally:
    """Counts of one problem, with the first few examples."""

    def __init__(self, subject: str, problem: str, remedy: str) -> None:
        self._subject, self._problem, self._remedy = subject, problem, remedy
        self._count = 0
        self._examples: list[str] = []

    def add(self, example: str) -> None:
        self._count += 1
        if len(self._examples) < _EXAMPLES:
            self._examples.append(example)

    def findings(self) -> Iterator[Problem]:
        if self._count:
            yield Problem(
                subject=self._subject,
                problem=self._problem,
                remedy=self._remedy,
                count=self._count,
                examples=self._examples,
            )


def verify(archive: Archive, *, read_files: bool = True) -> VerifyReport:
    """Every check, over all owners. Without `read_files`, files are only looked for, not read and hashed again."""
    started = time.monotonic()
    report = VerifyReport()
    checks: list[Callable[[Archive, VerifyReport], Iterator[Problem]]] = [
        _database,
        _imports,
        _conversations,
        _text_index,
        _files if read_files else _files_unread,
    ]
    for check in checks:
        try:
            report.findings.extend(check(archive, report))
        except (Damaged, DBAPIError, msgspec.DecodeError, UnicodeDecodeError):  # where only this check looked
            if not any(finding.problem == DAMAGED for finding in report.findings):
                report.findings.append(damaged())
    report.seconds = round(time.monotonic() - started, 3)
    return report


def require_soundness(archive: Archive) -> None:
    """Raise `Damaged` where SQLite's own quick look finds a fault in the file."""
    if archive.is_sqlite:
        with archive.read() as connection:
            if connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() != "ok":
                raise Damaged(DAMAGED, hint=_RESTORE)


def damaged(count: int = 1) -> Problem:
    """The finding about a file that is no sound database."""
    return Problem(subject="database", problem=DAMAGED, remedy=_RESTORE, count=count)


def _database(archive: Archive, report: VerifyReport) -> Iterator[Problem]:
    """The database's own account of itself. PostgreSQL holds its constraints by itself."""
    if not archive.is_sqlite:
        return
    with archive.read() as connection:
        problems = [row[0] for row in connection.execute(text("PRAGMA integrity_check(100)")) if row[0] != "ok"]
        broken = connection.execute(text("PRAGMA foreign_key_check")).all()
    report.checked["database"] = 1
    if problems:
        yield damaged(len(problems))
    if broken:
        tables = sorted({str(row[0]) for row in broken})
        yield Problem(
            subject="database",
            problem="Rows refer to rows that are not there.",
            remedy=_RESTORE,
            count=len(broken),
            examples=tables[:_EXAMPLES],
        )


def _imports(archive: Archive, report: VerifyReport) -> Iterator[Problem]:
    unbalanced = _Tally("imports", "The counts of an import do not balance.", _IMPORT_AGAIN)
    left = _Tally("imports", "An import was interrupted.", "Import the file again: it goes on where it stopped.")
    busy = set(running(archive))
    with archive.read() as connection:
        rows = connection.execute(select(imports.c.id, imports.c.owner, imports.c.status, imports.c.counts)).all()
    for row in rows:
        if row.status == "running" and importing(row.owner) not in busy:
            left.add(row.id)
        counts = msgspec.json.decode(row.counts)
        parts = sum(counts.get(name, 0) for name in ("new", "changed", "unchanged", "empty", "failed"))
        if row.status == "completed" and counts.get("read", 0) != parts:
            unbalanced.add(row.id)
    report.checked["imports"] = len(rows)
    yield from unbalanced.findings()
    yield from left.findings()


def _conversations(archive: Archive, report: VerifyReport) -> Iterator[Problem]:
    """Every content hash computed again from the messages, some hundred conversations in memory at a time."""
    changed = _Tally("conversations", "The content is not what its hash says.", _RESTORE)
    empty = _Tally("conversations", "A conversation has no messages.", _RESTORE)
    seen = at = 0
    while True:
        with archive.read() as connection:
            heads = _heads(connection, at)
            nodes = _nodes(connection, [head.key for head in heads])
        for head in heads:
            mine = nodes.get(head.key, [])
            if not mine:
                empty.add(head.id)
            elif head.content_hash.startswith(f"{VERSION}:") and head.content_hash != hash_nodes(
                head.title, head.project_ref, mine
            ):
                changed.add(head.id)
            seen += 1
        if not heads:
            break
        at = heads[-1].key
    report.checked["conversations"] = seen
    yield from changed.findings()
    yield from empty.findings()


def _heads(connection: Connection, after: int) -> list[Row[tuple[int, str, str, str, str]]]:
    table = conversations.c
    query = select(table.key, table.id, table.content_hash, table.title, table.project_ref).where(table.key > after)
    return list(connection.execute(query.order_by(table.key).limit(_AT_ONCE)))


def _nodes(connection: Connection, keys: list[int]) -> dict[int, list[tuple[str, str | None, bytes, bool]]]:
    table = messages.c
    query = select(table.conversation_key, table.id, table.parent_id, table.digest, table.is_active)
    found: dict[int, list[tuple[str, str | None, bytes, bool]]] = {}
    for row in connection.execute(query.where(table.conversation_key.in_(keys))):
        node = (row.id, row.parent_id, bytes(row.digest), row.is_active)
        found.setdefault(row.conversation_key, []).append(node)
    return found


def _text_index(archive: Archive, report: VerifyReport) -> Iterator[Problem]:
    report.checked["text index"] = 1
    for problem in text_index.check(archive):
        yield Problem(subject="text index", problem=problem, remedy="`commonplace verify --rebuild-index` mends it.")


def _files(archive: Archive, report: VerifyReport) -> Iterator[Problem]:
    yield from _look_for_files(archive, report, read=True)


def _files_unread(archive: Archive, report: VerifyReport) -> Iterator[Problem]:
    yield from _look_for_files(archive, report, read=False)


def _look_for_files(archive: Archive, report: VerifyReport, *, read: bool) -> Iterator[Problem]:
    missing = _Tally("files", "A kept file is not in the files location.", f"Check COMMONPLACE_FILES. {_IMPORT_AGAIN}")
    damaged = _Tally("files", "A kept file is not what it was.", f"Delete it from the files location. {_IMPORT_AGAIN}")
    unknown = _Tally("attachments", "An attachment's file was never kept.", _IMPORT_AGAIN)
    with archive.read() as connection:
        known = connection.execute(select(files.c.sha256, files.c.size)).all()
        hashes = {row.sha256 for row in known}
        shown = connection.execute(select(attachments.c.sha256).where(attachments.c.sha256.is_not(None)).distinct())
        for row in shown:
            if row.sha256 not in hashes:
                unknown.add(row.sha256)
        report.checked["attachments"] = connection.execute(select(func.count()).select_from(attachments)).scalar_one()
    for row in known:
        path = path_of(archive, row.sha256) if read else None
        if path is None:
            if read or not has_file(archive, row.sha256):
                missing.add(row.sha256)
        elif path.stat().st_size != row.size or hash_file(path) != row.sha256:
            damaged.add(row.sha256)
    report.checked["files"] = len(known)
    for tally in (missing, damaged, unknown):
        yield from tally.findings()
