"""What the stages after the import need, however large the archive: `python -m benchmarks.stages --conversations 5000`.

Each runs as a command of its own, over everything and then over nothing new. Memory is the peak of the private
anonymous memory of all its processes, sampled from outside. Notion is the strict fake, in which nobody has to wait.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.generated.export import generate
from benchmarks.generated.kept import DATA
from benchmarks.measuring.processes import measure, measure_import
from tests.fakes.notion import FakeNotion

BYTES_EACH = 43_000
"""Of a conversation, on average."""
AT_ONCE = 5_000
MOST_MB = 300


def filled(home: Path, conversations: int) -> int:
    """Import exports that differ until there are about so many conversations; how many there are."""
    there = 0
    for seed in range(7, 7 + -(-conversations // AT_ONCE)):
        source = home / "export.json"
        generate(source, size=min(AT_ONCE, conversations - there) * BYTES_EACH, container="json", seed=seed)
        there += measure_import(source, home)["told"]["new"]
        source.unlink()
    return there


def compare(conversations: int, stages: list[str]) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="stages-", dir=DATA) as name,
        FakeNotion(per_window=1_000_000, keep_bodies=False) as notion,
    ):
        home = Path(name)
        os.environ |= {"NOTION_TOKEN": notion.token, "NOTION_BASE_URL": notion.base_url}
        (home / "commonplace.toml").write_text(
            f'[destinations.notion]\ndata_source_id = "{notion.add_database()}"\nrequests_per_minute = 1000000\n'
        )
        print(f"\n{filled(home, conversations):,} conversations")
        for stage in stages:
            first, again = (_measured(stage, home) for _ in range(2))
            peak = max(first["peak_mb"], again["peak_mb"])
            told = f"{first['seconds']:7.1f} s, nothing new {again['seconds']:5.1f} s, {peak:4.0f} MB"
            print(f"  {'ok  ' if peak <= MOST_MB else 'MISS'} {stage:14} {told}")


def _measured(stage: str, home: Path) -> dict[str, Any]:
    return measure([sys.executable, "-m", "commonplace", *stage.split(), "--direct", "--json"], home)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", default="5000")
    parser.add_argument("--stages", default="map,sync markdown,sync notion")
    asked = parser.parse_args()
    DATA.mkdir(exist_ok=True)
    for count in asked.conversations.split(","):
        compare(int(count), asked.stages.split(","))


if __name__ == "__main__":
    main()
