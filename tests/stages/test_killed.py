"""kill -9 in the middle of a sync or a delivery, again and again: nothing is lost, and nothing is there twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stages.killing import Place, check_hooks, check_openai, check_poke


@pytest.fixture
def place(new_database: Callable[[str], str], tmp_path: Path) -> Place:
    return Place(new_database("sqlite"), tmp_path)


def test_conversations_at_openai_are_there_once_after_kills(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    check_openai(place, monkeypatch, [4, 15])


@pytest.mark.parametrize(("mode", "steps"), [("each", [1, 3]), ("digest", [1])])
def test_poke_is_told_once_after_kills(
    place: Place, monkeypatch: pytest.MonkeyPatch, mode: str, steps: list[int]
) -> None:
    check_poke(place, monkeypatch, steps, mode)


def test_hooks_are_told_after_kills(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    check_hooks(place, monkeypatch, [1, 13, 4])


@pytest.mark.slow
def test_conversations_at_openai_are_there_once_after_many_kills(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    check_openai(place, monkeypatch, [2, 1, 3] * 7)


@pytest.mark.slow
def test_poke_is_told_once_after_many_kills(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    check_poke(place, monkeypatch, [1] * 11, "each")


@pytest.mark.slow
def test_hooks_are_told_after_twenty_kills(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    check_hooks(place, monkeypatch, [3, 1, 12, 5] * 5)
