"""Asking for a run when something came in, so that nobody waits for the schedule. At most one at a time, and not often.

A server that serves alone asks nobody: then the schedule of whichever Prefect server there will be does it.
"""

from __future__ import annotations

import logging
import os
import threading

from commonplace import runs
from commonplace.config import Settings
from commonplace.errors import CommonplaceError
from commonplace.stack import server

log = logging.getLogger("commonplace.web")

PAUSE_SECONDS = 5.0


class Nudge:
    """Asks for a run of one deployment on a thread of its own, from `start` to `stop`."""

    def __init__(self, settings: Settings, deployment: str) -> None:
        self._settings = settings
        self._deployment = deployment
        self._is_wanted = threading.Event()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="nudge", daemon=True)

    def __call__(self) -> None:
        """Something came in. Returns at once."""
        self._is_wanted.set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._is_wanted.set()

    def _work(self) -> None:
        while not self._is_over.is_set():
            self._is_wanted.wait()
            self._is_wanted.clear()
            if not self._is_over.is_set() and not self._ask_ours() and self._somebody_runs():
                self._ask()
            self._is_over.wait(PAUSE_SECONDS)

    def _ask_ours(self) -> bool:
        """Of the local server, which knows our deployments by their own names."""
        running = server.running(self._settings) if server.is_local(self._settings) else None
        return running is not None and server.request_run(running, self._settings, self._deployment, "on-demand")

    def _somebody_runs(self) -> bool:
        return bool(os.environ.get("PREFECT_API_URL")) or server.running(self._settings) is not None

    def _ask(self) -> None:
        try:
            runs.connect(self._settings)
            runs.start(self._deployment, {})
        except CommonplaceError as error:
            log.warning("nobody could be asked for a run", extra={"reason": error.message})
        except Exception as error:
            log.warning("asking for a run failed", extra={"kind": type(error).__name__})
