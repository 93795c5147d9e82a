"""Logs: one JSON object a line in a rotating file under the home; Prefect forwards the same records to its UI.

What is logged are ids, counts and reasons, never conversation text or secrets.
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

ROOT = "commonplace"
MEGABYTE = 1 << 20
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Time, level, logger and message, and whatever a call added with `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        line |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info and record.exc_info[0]:
            # The kind only: the message and the lines of a traceback may hold what a person wrote.
            line["error"] = record.exc_info[0].__name__
        return _ENCODER.encode(line)


class _LogFile(RotatingFileHandler):
    """What cannot be noted, because the disk is full, is not worth a traceback on the terminal."""

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        """Once it is full. Python's own makes each line twice, to know of the last one whether it still fits."""
        if self.stream is None:
            self.stream = self._open()
        return os.fstat(self.stream.fileno()).st_size >= self.maxBytes

    def handleError(self, record: logging.LogRecord) -> None:
        pass


def log_to(home: Path) -> None:
    """Write our log below a home. Asking again for the same home changes nothing; one that is read-only gets none."""
    path = home / "logs" / "commonplace.log"
    logger = logging.getLogger(ROOT)
    for handler in list(logger.handlers):
        if isinstance(handler, RotatingFileHandler):
            if handler.baseFilename == str(path.absolute()):
                return
            logger.removeHandler(handler)
            handler.close()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return
    handler = _LogFile(path, maxBytes=5 * MEGABYTE, backupCount=5, encoding="utf-8", delay=True)
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
