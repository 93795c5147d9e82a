"""A file of answers that somebody else keeps locked."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from commonplace import answer_file
from commonplace.answer_file import AnswerFile
from commonplace.errors import Halt


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_run_that_stands_still_in_the_middle_of_a_write_is_told_to_the_next(
    lock: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_file, "_WAIT_SECONDS", 0.01)
    path = tmp_path / "answers.db"
    with AnswerFile(path, ""), closing(sqlite3.connect(path)) as sleeper:
        sleeper.execute(f"BEGIN {lock}")
        with pytest.raises(Halt, match="in use by another run") as halt, AnswerFile(path, "") as waiting:
            _ = waiting.identity
        assert "end it" in str(halt.value.hint)
        sleeper.rollback()
        with AnswerFile(path, "") as next_one:
            assert next_one.identity
