"""The same flows on grown-up ground: PostgreSQL behind the archive and behind Prefect, two workers, a Dask cluster."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from commonplace.archive.opening import open_archive
from commonplace.config import Settings, load
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stack import processes, server
from tests.fakes.notion import FakeNotion

CONVERSATIONS = 40


@pytest.fixture
def database_for_prefect() -> Iterator[str]:
    """A PostgreSQL with pg_trgm, which Prefect's schema needs and the wheel for tests does not bring."""
    programs = next((path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))), None)
    if programs is None or not list(Path("/usr/share/postgresql").glob("*/extension/pg_trgm.control")):
        pytest.skip("no system PostgreSQL with pg_trgm (Debian: apt-get install postgresql)")
    is_root = os.geteuid() == 0
    folder = Path(tempfile.mkdtemp(prefix="prefect-pg-"))
    port = processes.free_port(5460)

    def run(*command: str) -> None:
        subprocess.run(command, user="postgres" if is_root else None, cwd="/", check=True, stdout=subprocess.DEVNULL)

    if is_root:
        shutil.chown(folder, "postgres")
    data = folder / "data"
    run(str(programs / "initdb"), "--auth=trust", "--username=postgres", "--no-sync", str(data))
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    run(str(programs / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres"
    finally:
        run(str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


class Ground(dict[str, str]):
    """The environment of everything that runs here."""

    settings: Settings


@pytest.fixture
def ground(
    tmp_path: Path, bare_database: Callable[[str], str], database_for_prefect: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Ground, FakeNotion]]:
    """A Prefect server on PostgreSQL, and a Notion that takes its time."""
    home = tmp_path / "book"
    home.mkdir()
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", database_for_prefect)
    with FakeNotion(latency=0.3) as notion:
        ground = Ground(
            os.environ
            | {
                "COMMONPLACE_HOME": str(home),
                "COMMONPLACE_DATABASE_URL": bare_database("postgresql"),
                "NOTION_TOKEN": notion.token,
                "NOTION_BASE_URL": notion.base_url,
                "NOTION_DATABASE_ID": notion.add_database(),
                "TASK_RUNNER": "dask",
            }
        )
        (home / "commonplace.toml").write_text("[destinations.notion]\n[runs]\nworkers = 2\n")
        ground.settings, _ = load(ground, folder=home)
        running = server.ensure(ground.settings)
        ground.update(server.client_environment(running, ground.settings))
        try:
            subprocess.run([sys.executable, "-m", "deployments.apply"], env=ground, cwd=home, check=True, timeout=120)
            yield ground, notion
        finally:
            server.stop(ground.settings)


def _commonplace(ground: Ground, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "commonplace", *arguments],
        env=ground,
        cwd=ground.settings.home,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@contextlib.contextmanager
def _two_workers(ground: Ground) -> Iterator[list[int]]:
    """Two worker processes; what is left of them is ended."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "commonplace", "--type", "process"]
    log = ground.settings.home / "workers.log"
    folder = ground.settings.home / "workers"
    workers = [
        processes.start(name, [*command, "--name", name], ground, folder=folder, log=log) for name in ("one", "two")
    ]
    try:
        yield [worker.pid for worker in workers]
    finally:
        for worker in workers:
            processes.stop(worker, seconds=10)


def _kill_the_one_that_works(workers: list[int]) -> None:
    """`kill -9` of the worker that has a run, and of everything it started."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"prefect.engine" in (folder / "cmdline").read_bytes():
                session = os.getsid(int(folder.name))
                if session in workers:
                    os.killpg(session, signal.SIGKILL)
                    return
    pytest.fail("no worker had a run")


@pytest.mark.slow
def test_a_worker_dies_in_the_middle_and_the_other_finishes_without_loss_or_duplicates(
    ground: tuple[Ground, FakeNotion], tmp_path: Path
) -> None:
    environment, notion = ground
    export = tmp_path / "export.zip"
    write_sample(export, conversations=CONVERSATIONS)
    with _two_workers(environment) as workers:
        started = _commonplace(environment, "run", "pipeline", "--param", f'paths=["{export}"]')
        assert started.returncode == 0, started.stderr
        deadline = time.monotonic() + 200
        while len(notion.rows()) < 4:
            assert time.monotonic() < deadline, (environment.settings.home / "workers.log").read_text()[-3000:]
            time.sleep(0.1)
        _kill_the_one_that_works(workers)
        assert len(notion.rows()) < CONVERSATIONS
        again = _commonplace(environment, "run", "pipeline", "--param", "paths=[]", "--watch", "--json")
        assert json.loads(again.stdout)["state"] == "Completed", again.stdout + again.stderr
    written = [page.value("Conversation ID") for page in notion.rows()]
    assert len(written) == len(set(written)) == CONVERSATIONS
    with open_archive(environment["COMMONPLACE_DATABASE_URL"]) as archive, archive.read() as connection:
        states = connection.exec_driver_sql("SELECT state, count(*) FROM ledger GROUP BY state").all()
    assert [tuple(row) for row in states] == [("done", CONVERSATIONS)]
