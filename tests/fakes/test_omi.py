"""The fake of OMI's developer API does what OMI's does."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.omi import PATH, FakeOmi


@pytest.fixture
def fake() -> Iterator[FakeOmi]:
    days = [{"id": f"c-{n}", "created_at": f"2026-11-{n:02}T10:00:00Z", "transcript_segments": []} for n in range(1, 9)]
    with FakeOmi(*days) as server:
        yield server


def _get(fake: FakeOmi, key: str = "omi_dev_test", **query: str) -> httpx.Response:
    return httpx.get(f"{fake.address}{PATH}", params=query, headers={"Authorization": f"Bearer {key}"})


def test_it_lists_the_newest_first_by_offset_and_includes_both_ends_of_a_window(fake: FakeOmi) -> None:
    bounds = {"start_date": "2026-11-02T10:00:00Z", "end_date": "2026-11-05T10:00:00Z"}
    assert [told["id"] for told in _get(fake, **bounds).json()] == ["c-5", "c-4", "c-3", "c-2"]
    assert [told["id"] for told in _get(fake, offset="6", limit="5").json()] == ["c-2", "c-1"]


def test_transcripts_are_there_when_they_are_asked_for(fake: FakeOmi) -> None:
    assert "transcript_segments" not in _get(fake).json()[0]
    assert "transcript_segments" in _get(fake, include_transcript="true").json()[0]


def test_it_wants_its_key_and_for_encrypted_data_the_hash_of_another(fake: FakeOmi) -> None:
    assert _get(fake, key="other").status_code == 401
    fake.sealed_with = b"k" * 32
    assert _get(fake).status_code == 403


def test_faults_come_once_and_first(fake: FakeOmi) -> None:
    fake.faults = [(429, {"Retry-After": "1"}, b"")]
    assert _get(fake).headers["retry-after"] == "1"
    assert _get(fake).status_code == 200
