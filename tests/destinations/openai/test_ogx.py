"""OGX, a server of Conversations that is not ours: what is written there is what can be read there."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.destinations.openai import ConversationSettings, open_openai
from commonplace.destinations.openai.items import text_of
from commonplace.stack.processes import free_port
from tests.destinations.documents import document
from tests.destinations.with_uv import UV

PACKAGE = "ogx==1.5.0"
CONFIG = """
version: 2
distro_name: conversations
apis: [conversations, inference]
providers:
  inference: [{provider_id: none, provider_type: remote::openai, config: {api_key: none, base_url: "http://127.0.0.1:1/v1"}}]
storage:
  backends:
    kv: {type: kv_sqlite, db_path: FOLDER/kv.db}
    sql: {type: sql_sqlite, db_path: FOLDER/sql.db}
  stores:
    metadata: {namespace: registry, backend: kv}
    inference: {table_name: inference, backend: sql}
    conversations: {table_name: conversations, backend: sql}
    prompts: {table_name: prompts, backend: sql}
    connectors: {table_name: connectors, backend: sql}
"""
READY_SECONDS = 300


@pytest.fixture
def ogx(tmp_path: Path) -> Iterator[str]:
    """Its address. It needs a Python of its own, which uv finds."""
    find = [UV or "", "python", "find", "--no-python-downloads", ">=3.12"]
    found = subprocess.run(find, capture_output=True, text=True, check=False) if UV else None
    if UV is None or found is None or found.returncode:
        pytest.skip("OGX is fetched by uv for a Python of 3.12 or newer: install both")
    (tmp_path / "ogx.yaml").write_text(CONFIG.replace("FOLDER", str(tmp_path)))
    port = free_port(8321)
    command = [UV, "run", "--no-project", "--python", found.stdout.strip(), "--with", PACKAGE,
               "ogx", "run", str(tmp_path / "ogx.yaml"), "--port", str(port), "--insecure"]  # fmt: skip
    with (tmp_path / "log").open("w") as log:
        running = subprocess.Popen(
            command, cwd=tmp_path, env=os.environ | {"HOME": str(tmp_path)}, stdout=log, stderr=log
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/v1/conversations", running, tmp_path / "log")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        running.terminate()
        running.wait(30)


def _wait_for(address: str, running: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and running.poll() is None:
        try:
            httpx.post(address, json={"metadata": {}}, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.5)
        else:
            return
    raise AssertionError(log.read_text()[-2000:])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_conversations_are_kept_by_a_server_that_is_not_ours(ogx: str, sqlite_archive: Archive) -> None:
    texts = [f"Words {n}" for n in range(45)]
    batch = [document(str(n), f"Title {n}", *texts) for n in range(3)]
    with closing(open_openai(ConversationSettings(api_key="none", base_url=ogx))) as there:
        known = ArchiveLedger(sqlite_archive, there.instance)

        def shows(id: str) -> list[str]:
            return [text_of(item) for item in there.service.items(str(known.get([id])[id].remote_id))]

        assert {outcome.state for outcome in there.write(batch, known)} == {"created"}
        assert shows("chatgpt:0") == shows("chatgpt:2") == texts
        assert {outcome.state for outcome in there.write(batch, known)} == {"unchanged"}
        forked = document("0", "Title 0", *texts[:10], "else", version=2)
        assert [outcome.state for outcome in there.write([forked], known)] == ["updated"]
        assert shows("chatgpt:0") == [*texts[:10], "else"]
        assert list(there.pull_messages(known, None)) == []
        assert list(there.deleted(known)) == []
        there.client.sdk().conversations.items.create(
            str(known.get(["chatgpt:1"])["chatgpt:1"].remote_id),
            items=[{"type": "message", "role": "user", "content": "Said there"}],
        )
        (said,) = there.pull_messages(known, None)
        assert [message.text for message in said.messages] == ["Said there"]
        assert {one.state for one in there.remove(["chatgpt:0", "chatgpt:2"], known)} == {"removed"}
