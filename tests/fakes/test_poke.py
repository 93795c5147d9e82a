"""The Poke of the tests is one that Poke's own package can work with."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.destinations.with_uv import UV
from tests.fakes.poke import FakePoke

OFFICIAL = "poke==0.2.1"
TRIED = """
import json, poke
client = poke.Poke()
said = [client.send_message("Hello")]
trigger = client.create_webhook(condition="When it rains", action="Tell me")
said.append(client.send_webhook(
    webhook_url=trigger["webhookUrl"], webhook_token=trigger["webhookToken"], data={"count": 3}))
try:
    poke.Poke(api_key="wrong").send_message("Lost")
except poke.AuthenticationError as error:
    said.append(error.status)
print(json.dumps(said))
"""


def test_a_message_needs_the_key_and_a_trigger_its_own_token() -> None:
    with FakePoke() as poke, httpx.Client(base_url=poke.base_url, trust_env=False) as client:

        def post(path: str, token: str, **body: str) -> httpx.Response:
            return client.post(path, json=body, headers={"Authorization": f"Bearer {token}"})

        assert post("/inbound/api-message", "other", message="no").status_code == 401
        assert post("/inbound/api-message", poke.key, message="yes").json() == {"success": True}
        made = post("/api-keys/webhook", poke.key, condition="c", action="a").json()
        assert post(made["webhookUrl"], poke.key, x="no").status_code == 401
        assert post(made["webhookUrl"], made["webhookToken"], x="yes").json() == {"success": True}
        assert post("/messages", poke.key).status_code == 404  # there is no list
        assert (poke.messages, poke.events) == ([{"message": "yes"}], [{"x": "yes"}])


@pytest.mark.slow
def test_pokes_own_package_works_with_it(tmp_path: Path) -> None:
    if UV is None:
        pytest.skip("Poke's package is fetched by uv: install it")
    with FakePoke() as poke:
        variables = os.environ | {"POKE_API": poke.base_url, "POKE_API_KEY": poke.key, "HOME": str(tmp_path)}
        command = [UV, "run", "--no-project", "--with", OFFICIAL, "python", "-c", TRIED]
        done = subprocess.run(
            command, env=variables, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == [{"success": True}, {"success": True}, 401]
        assert poke.arrived == [{"message": "Hello"}, {"count": 3}]
