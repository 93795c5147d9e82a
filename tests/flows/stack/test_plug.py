"""The plug is pulled in the middle of an upload and of a run while a person looks on, and everything goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, expect
from sqlalchemy import func, select

from commonplace.archive.access import sessions
from commonplace.archive.opening import open_archive
from commonplace.archive.schema import conversations
from commonplace.config import load
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stack import processes, server
from tests.web.chromium import chromium

PATIENCE_SECONDS = 600
IN_TIME = PATIENCE_SECONDS * 1_000.0
SLOWLY = 1 << 20
"""Bytes a second."""


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(4 * PATIENCE_SECONDS)
def test_whoever_is_killed_meanwhile_an_upload_and_its_run_go_on_to_their_end(tmp_path: Path) -> None:
    export = tmp_path / "export.zip"
    write_sample(export, conversations=40)
    with zipfile.ZipFile(export, "a", zipfile.ZIP_STORED) as more:
        more.writestr("pictures.bin", random.Random(1).randbytes(8 << 20))
    home = Home(tmp_path / "book")
    with home.up() as address, chromium() as browser:
        context = browser.new_context()
        context.add_cookies([{"name": "commonplace-session", "value": home.login(), "url": address}])
        context.set_default_timeout(IN_TIME)
        page = context.new_page()
        page.goto(f"{address}/import")
        network = context.new_cdp_session(page)
        _throttle(network, SLOWLY)
        page.set_input_files("#files", export)
        page.click("#import button")
        _until(lambda: 0 < home.arrived() < export.stat().st_size)
        home.kill("web")
        _throttle(network, -1)
        page.wait_for_url("**/runs/*")
        expect(page.get_by_role("status")).to_contain_text("At work", timeout=IN_TIME)
        home.kill("web")
        second = context.new_page()
        _until(lambda: _opens(second, page.url))
        home.kill("server")
        for each in (page, second):
            expect(each.get_by_role("link", name="Look at the conversations")).to_be_visible(timeout=IN_TIME)
            expect(each.get_by_role("status")).to_contain_text("Completed", timeout=IN_TIME)
            expect(each.get_by_text("40 read = 40 new")).to_be_visible(timeout=IN_TIME)
    assert home.conversations() == 40


class Home:
    """A home, and what runs there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.log = folder, folder / "up.log"
        self.settings, _ = load({"COMMONPLACE_HOME": str(folder)}, folder=folder)

    @contextmanager
    def up(self) -> Iterator[str]:
        """`commonplace up`, and the address of the web app."""
        environment = {**os.environ, "COMMONPLACE_HOME": str(self.folder), "HOME": str(self.folder)}
        command = [sys.executable, "-m", "commonplace", "up"]
        with self.log.open("w") as log:
            process = subprocess.Popen(command, env=environment, cwd=self.folder, stdout=log, stderr=log)
        try:
            _until(lambda: "Ctrl-C" in self.log.read_text() or process.poll() is not None)
            yield self.one("web").address
            assert process.poll() is None, "it ended with what was killed"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_SECONDS)

    def one(self, name: str) -> processes.Process:
        (found,) = processes.recorded(server.records(self.settings), name)
        return found

    def kill(self, name: str) -> None:
        os.kill(self.one(name).pid, signal.SIGKILL)

    def login(self) -> str:
        with open_archive(self.settings.database_url, files=self.settings.files) as archive:
            return sessions.begin(archive, archive.owner, address="127.0.0.1", agent="a test", days=1)

    def arrived(self) -> int:
        return sum(path.stat().st_size for path in self.folder.glob("uploads/*/*") if path.suffix != ".json")

    def conversations(self) -> int:
        with (
            open_archive(self.settings.database_url, files=self.settings.files) as archive,
            archive.read() as connection,
        ):
            return int(connection.execute(select(func.count()).select_from(conversations)).scalar_one())


def _throttle(network: Any, bytes_a_second: int) -> None:
    told = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second}
    network.send("Network.emulateNetworkConditions", told)


def _opens(page: Any, address: str) -> bool:
    try:
        return bool(page.goto(address).ok)
    except Error:  # nobody listens there yet
        return False


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.02)
