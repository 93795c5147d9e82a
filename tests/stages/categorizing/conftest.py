"""A file of answers per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from commonplace.categorize.answers import Answers, answers_path


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[Answers]:
    with Answers(answers_path(tmp_path / "home")) as opened:
        yield opened
