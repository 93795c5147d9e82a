"""docs/security.md names a test for each of its 44 checks."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = re.findall(r"^\| ([\d-]+) \| [^|]+ \| (.+) \|$", (ROOT / "docs" / "security.md").read_text(), re.MULTILINE)
CHECKS = 44


def _numbers(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def test_no_check_is_missing() -> None:
    assert {number for numbers, _ in ROWS for number in _numbers(numbers)} == set(range(1, CHECKS + 1))


def test_every_test_that_is_named_is_there() -> None:
    for _, held_by in ROWS:
        path, _, name = held_by.strip("`").partition("::")
        assert f"def {name}(" in (ROOT / path).read_text(), held_by
