"""A process that imports and can be made to die: `python -m tests.stages.importing.importer URL FILES EXPORT [STEP]`.

It kills itself, as `kill -9` does, before the given statement or commit. Without a step it prints how many there are.
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import event

from commonplace.archive.opening import open_archive
from commonplace.stages.importing import intake, stage

SMALL_BATCH = 50


def main(url: str, files: str, export: str, fatal_step: int = 0) -> None:
    intake.MESSAGES_PER_BATCH = SMALL_BATCH
    steps = count(1)
    last = 0

    def step(*_: Any) -> None:
        nonlocal last
        last = next(steps)
        if last == fatal_step:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_archive(url, files=files) as archive:
        event.listen(archive.engine, "before_cursor_execute", step)
        event.listen(archive.engine, "commit", step)
        stage.import_paths(archive, [Path(export)])
    print(last)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:4], *map(int, sys.argv[4:5]))  # type: ignore[arg-type]
