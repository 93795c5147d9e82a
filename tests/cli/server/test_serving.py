"""`commonplace serve` as a process: ready, told where, closed, and ended cleanly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.conftest import Run
from tests.web.conftest import PASSWORD, Browser


@contextmanager
def _serving(home: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [sys.executable, "-m", "commonplace", "serve", "--port", "0", "--json", *options]
    environment = {**os.environ, "COMMONPLACE_HOME": str(home)}
    with subprocess.Popen(
        command, env=environment, cwd=home.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=300)


def test_from_the_first_start_to_the_first_login(tmp_path: Path) -> None:
    home = tmp_path / "book"
    with _serving(home) as (process, told), httpx.Client(base_url=told["url"]) as client:
        browser, path = Browser(client), told["link"].removeprefix(told["url"])
        reply = browser.submit(browser.get(path), path, name="ada", password=PASSWORD, again=PASSWORD)
        assert reply.status_code == 303
        assert browser.get("/").status_code == 200
        cookie = client.cookies["commonplace-session"]
    assert process.returncode == 0
    log = "".join(path.read_text() for path in (home / "logs").iterdir())
    assert '"route": "/welcome/{token}"' in log
    for secret in (path.rpartition("/")[2], cookie, PASSWORD):
        assert secret not in log
    with _serving(home) as (_, told):
        assert "link" not in told


def test_links_lead_to_where_it_was_started(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "book"
    monkeypatch.setenv("COMMONPLACE_HOME", str(home))
    with _serving(home) as (_, told):
        assert run("login-link")[1]["link"].startswith(f"{told['url']}/welcome/")
    assert not run("login-link")[1]["link"].startswith(f"{told['url']}/")


def test_it_does_not_open_itself_to_a_network(tmp_path: Path) -> None:
    environment = {**os.environ, "COMMONPLACE_HOME": str(tmp_path / "book")}
    command = [sys.executable, "-m", "commonplace", "serve", "--host", "0.0.0.0", "--port", "0", "--json"]  # noqa: S104
    ended = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 1
    assert "unencrypted" in json.loads(ended.stdout)["error"]
