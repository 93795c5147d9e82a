"""Hooks: how near a full queue is delivered to what latency and concurrency allow.

    python -m benchmarks.hooks           1,000 deliveries
    python -m benchmarks.hooks --quick   320

Whoever is told is in a process of its own and answers after 200 ms. The floor is deliveries / requests at once, times
the latency.
"""

from __future__ import annotations

import argparse
import base64
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

LATENCY_SECONDS = 0.2
TARGET = 0.9


def where(fake: Any) -> str:
    return str(fake.address)


def came(fake: Any) -> int:
    return len(set(fake.ids()))


def main() -> int:
    from benchmarks.elsewhere import elsewhere
    from commonplace.archive.opening import open_archive
    from commonplace.config import Environment, HookSettings, load
    from commonplace.session import Session
    from commonplace.stages import hooks
    from tests.fakes.hooked import Hooked

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    count = 320 if parser.parse_args().quick else 1000
    secret = "whsec_" + base64.b64encode(b"s" * 32).decode()
    with tempfile.TemporaryDirectory() as folder, elsewhere(Hooked, latency_seconds=LATENCY_SECONDS) as ask:
        settings, _ = load({"COMMONPLACE_HOME": folder}, folder=Path(folder))
        told = HookSettings(url=ask(where), allow_private=True)
        with open_archive(settings.database_url) as archive:
            environment = Environment({"COMMONPLACE_HOOK_MINE_SECRET": secret})
            session = Session(msgspec.structs.replace(settings, hooks={"mine": told}), environment, archive)
            for _ in range(count):
                hooks.queue(session, "sync.completed", {})
            hooks.send_test(session, "mine")  # loads what is needed to send at all
            started = time.monotonic()
            report = hooks.deliver(session)
            took = time.monotonic() - started
        lost = count + 1 - ask(came)
    share = count / hooks.AT_ONCE * LATENCY_SECONDS / took
    print(f"{report.delivered:,} deliveries: {share:.1%} of what latency allows (target {TARGET:.0%}), {lost} lost")
    return 0 if share >= TARGET and not lost else 1


if __name__ == "__main__":
    sys.exit(main())
