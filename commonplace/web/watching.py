"""Noticing what comes into watched folders while the server runs, so that nobody waits for the schedule.

One thread looks when the system says that something changed, and once at the start; it asks for a run where there is
an export to take. The run does the work, and the schedule is there for what was not noticed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from commonplace.errors import CommonplaceError
from commonplace.session import Session
from commonplace.stages.watching.listing import watched_folders
from commonplace.stages.watching.looking import Candidate, look
from commonplace.web.nudging import Nudge

log = logging.getLogger("commonplace.web")

WATCHES = "watch"
"""The flow that takes in what came."""
HEARTBEAT_SECONDS = 5.0
"""So often it is seen whether the folders are still the same."""
PAUSE_SECONDS = 0.5
AFTER_TROUBLE_SECONDS = 60.0


class Watcher:
    """Asks for runs, from `start` to `stop`. Does nothing where no folder is named."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ask = Nudge(session.settings, WATCHES)
        self._asked_for: set[Candidate] = set()
        self._is_over = threading.Event()
        self._has_changed = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        if not self._session.settings.is_watching:
            return
        folders = watched_folders(self._session.settings, self._session.environment)
        work: list[Callable[[], None]] = [self._work]
        for deeply in (False, True):
            if paths := [folder.path for folder in folders if folder.is_history is deeply]:
                work.append(partial(self._notice, paths, deeply=deeply))
        self._ask.start()
        self._threads = [threading.Thread(target=each, name="watching", daemon=True) for each in work]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._has_changed.set()
        self._ask.stop()
        for thread in self._threads:
            thread.join(HEARTBEAT_SECONDS)

    def _work(self) -> None:
        while not self._is_over.is_set():
            again_in = self._look()
            if self._has_changed.wait(again_in):
                self._is_over.wait(PAUSE_SECONDS)  # what changes comes in swarms
                self._has_changed.clear()

    def _look(self) -> float | None:
        """Ask for a run where there is something new; when to look again by oneself."""
        try:
            looked = look(self._session)
        except (CommonplaceError, SQLAlchemyError, OSError) as error:
            log.warning("the watched folders were not looked at", extra={"kind": type(error).__name__})
            return AFTER_TROUBLE_SECONDS
        found = set(looked.take)
        if found - self._asked_for:
            self._ask()
        self._asked_for = found
        return None if looked.again_in is None else looked.again_in + PAUSE_SECONDS

    def _notice(self, folders: list[Path], *, deeply: bool) -> None:
        """Say when something changes in these folders, whichever of them are there."""
        while not self._is_over.is_set():
            pause = HEARTBEAT_SECONDS
            if there := _there(folders):
                with suppress(OSError):  # one went before it was watched, or the system watches no more of them
                    self._notice_in(there, folders, deeply=deeply)
                    pause = PAUSE_SECONDS
                self._has_changed.set()
            self._is_over.wait(pause)

    def _notice_in(self, there: dict[Path, tuple[int, int]], folders: list[Path], *, deeply: bool) -> None:
        """The same as long as they are the same."""
        from watchfiles import watch

        is_first = True  # what came while nobody watched yet
        for changes in watch(
            *there,
            watch_filter=None,
            recursive=deeply,
            stop_event=self._is_over,
            rust_timeout=int(HEARTBEAT_SECONDS * 1000),
            yield_on_timeout=True,
        ):
            if changes or is_first:
                self._has_changed.set()
            is_first = False
            if _there(folders) != there:
                return


def _there(folders: list[Path]) -> dict[Path, tuple[int, int]]:
    """Those that are there, and which ones they are: another folder may have been put in the place of one."""
    found = {}
    for folder in folders:
        with suppress(OSError):
            about = folder.stat()
            if folder.is_dir():
                found[folder] = about.st_dev, about.st_ino
    return found
