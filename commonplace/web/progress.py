"""A run as it is now, for any number of pages that watch it: the archive and Prefect are asked once for all of them."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec

from commonplace.archive.conversations import imports
from commonplace.archive.conversations.imports import Counts, ImportRecord
from commonplace.archive.core import Archive
from commonplace.config import Settings
from commonplace.moments import now
from commonplace.stack import history
from commonplace.stack.history import Line, Run, Stage
from commonplace.stages.syncing.destinations import names

FRESH_SECONDS = 1.0
MOST_KEPT = 64
LINES, LINES_MEANWHILE = 200, 12
"""Of the log."""
OVERDUE_SECONDS = 20
"""A run that no worker has taken for so long is told to wait for one."""


class File(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file of an import."""

    name: str
    record: ImportRecord | None
    counts: Counts

    @property
    def per_second(self) -> float | None:
        """How many conversations are read in a second, while it is read."""
        if self.record is None or self.record.status != "running" or not self.counts.read:
            return None
        return self.counts.read / max(1.0, (now() - self.record.started_at) / 1_000_000)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A run, all that a page shows of it."""

    run: Run
    stages: list[Stage]
    files: list[File]
    log: list[Line]
    """The end of it."""
    address: str
    """In Prefect's own UI."""
    is_overdue: bool = False

    @property
    def current(self) -> str:
        """The stage that is at work."""
        if self.run.has_ended or self.run.waits:
            return ""
        return next((stage.name for stage in self.stages if not stage.is_done), "")

    def has_begun(self, stage: Stage) -> bool:
        """Whether anything of it was done."""
        return stage.percent is not None or (stage.name == "import" and bool(self.files))

    @property
    def defects(self) -> int:
        """How much of it failed."""
        return sum(int(stage.counts.get("failed", 0)) + int(stage.counts.get("uncertain", 0)) for stage in self.stages)


def look(settings: Settings, archive: Archive, id: str, names_of: dict[str, str]) -> Seen | None:
    """A run of this id. `names_of` tells what the files are called that it imports."""
    api = history.api_of(settings)
    run = history.find(api, id)
    if run is None:
        return None
    wanted = _wanted(settings, archive, run)
    stages = [stage for stage in history.stages(api, run, wanted) if stage.name in wanted or _is_of_one(stage, run)]
    files = [_file(archive, path, names_of) for path in run.parameters.get("paths") or ()]
    waited = time.time() - run.expected_at.timestamp() if run.expected_at else 0
    return Seen(
        run=run,
        stages=stages,
        files=[file for file in files if file.record is not None],
        log=history.lines(api, id, newest=LINES if run.has_ended else LINES_MEANWHILE),
        address=history.address_of(api, run),
        is_overdue=run.state == "scheduled" and waited > OVERDUE_SECONDS,
    )


def _wanted(settings: Settings, archive: Archive, run: Run) -> list[str]:
    """The stages that a pipeline goes through."""
    if "pipeline" not in run.flow:
        return []
    chosen = run.parameters.get("stages") or ["import", "embed", "categorize", "map", "sync"]
    given = run.parameters.get("destinations") or names(settings, archive)
    syncs = [f"sync-{name}" for name in given]
    return [name for stage in chosen for name in (syncs if stage == "sync" else [stage])]


def _is_of_one(stage: Stage, run: Run) -> bool:
    """Whether a run that is no pipeline has this one part."""
    return "pipeline" not in run.flow and (stage.is_done or stage.percent is not None)


def _file(archive: Archive, path: str, names_of: dict[str, str]) -> File:
    name = re.split(r"[/\\]", path)[-1]
    record = imports.named(archive, name)
    counts = imports.so_far(archive, record) if record else Counts()
    return File(name=names_of.get(name, name), record=record, counts=counts)


class Shared:
    """What is asked often, answered once a second."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._asking: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: str, ask: Callable[[], Any]) -> Any:
        """The answer, no older than a second."""
        with self._lock:
            asking = self._asking.setdefault(key, threading.Lock())
        with asking:
            at, answer = self._answers.get(key, (0.0, None))
            if time.monotonic() > at + FRESH_SECONDS:
                answer = ask()
                self._keep(key, answer)
            return answer

    def _keep(self, key: str, answer: Any) -> None:
        with self._lock:
            self._answers[key] = time.monotonic(), answer
            self._answers.move_to_end(key)
            while len(self._answers) > MOST_KEPT:
                oldest, _ = self._answers.popitem(last=False)
                self._asking.pop(oldest, None)
