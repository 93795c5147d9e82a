"""Work on an archive in a process of its own that is killed: forked from one that has everything loaded, for little."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Mapping

_starting = multiprocessing.get_context("forkserver")
_starting.set_forkserver_preload(
    [
        "commonplace.destinations.openai",
        "commonplace.destinations.poke",
        "commonplace.stages.hooks",
        "commonplace.stages.syncing.stage",
        "httpcore2",
        "httpx",
        "openai.resources.conversations",
        "pysqlite3.dbapi2",
    ]
)


def sync_there(variables: Mapping[str, str], destination: str) -> None:
    """The stage as `sync DESTINATION --direct` runs it."""
    from commonplace.session import open_session
    from commonplace.stages.selection import Selection
    from commonplace.stages.syncing.pending import Wishes
    from commonplace.stages.syncing.stage import sync

    os.environ.update(variables)
    with open_session() as session:
        sync(session, destination, Selection(), Wishes(everything=True, agreed=True))


def deliver_due(variables: Mapping[str, str]) -> None:
    """What `deliver-hooks` does."""
    from commonplace.session import open_session
    from commonplace.stages import hooks

    os.environ.update(variables)
    with open_session() as session:
        hooks.deliver(session)


def sync_by_flow(variables: Mapping[str, str], destination: str) -> None:
    """The run that Prefect makes of it."""
    os.environ.update(variables)
    from flows.sync import sync

    sync(destination=destination, everything=True, agreed=True)


def deliver_by_flow(variables: Mapping[str, str]) -> None:
    os.environ.update(variables)
    from flows.hooks.delivering import deliver_hooks

    deliver_hooks()


def run(work: Callable[..., None], *arguments: object, kill_when: Callable[[], bool] = lambda: False) -> bool:
    """Whether it was killed (kill -9) before it came to its end."""
    process = _starting.Process(target=work, args=arguments, daemon=True)
    process.start()
    while process.is_alive() and not kill_when():
        time.sleep(0.001)
    process.kill()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0
