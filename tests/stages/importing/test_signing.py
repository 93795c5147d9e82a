"""By what a folder is seen to have changed, whatever there is in it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from commonplace.stages.importing.signing import signature
from tests.unprivileged import unprivileged


def test_a_folder_that_is_closed_to_us_is_left_out_and_the_rest_is_seen() -> None:
    with tempfile.TemporaryDirectory(prefix="commonplace-", dir="/tmp") as made:
        folder = Path(made)
        folder.chmod(0o755)
        (folder / "closed").mkdir()
        for name in ("a.jsonl", "closed/b.jsonl"):
            (folder / name).write_bytes(b"{}")
        before = signature(folder)
        (folder / "closed").chmod(0)
        with unprivileged():
            seen = signature(folder)
        (folder / "closed").chmod(0o755)
    assert before.files.keys() == {"a.jsonl", "closed/b.jsonl"}
    assert seen.files.keys() == {"a.jsonl"}
