"""Generated exports are whole exports, and the same arguments give the same bytes."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from benchmarks.generate_export import main
from benchmarks.generated.chats import Shape, Writer
from benchmarks.generated.export import ContainerKind, generate, size_of
from benchmarks.generated.sources import KINDS, Talk, talks
from commonplace.model import Conversation
from commonplace.sources.registry import SOURCES, open_export
from tests.fakes.exports import write_zip
from tests.sources.reading import read_all


@pytest.mark.parametrize("shape", ["full", "trimmed", "mixed"])
@pytest.mark.parametrize("container", ["json", "zip", "folder"])
def test_every_shape_and_container_reads_without_a_defect(
    tmp_path: Path, shape: Shape, container: ContainerKind
) -> None:
    path = tmp_path / "out"
    count = generate(path, size=400_000, shape=shape, container=container, seed=3)
    found, defects = read_all(path)
    assert (len(found), defects) == (count, [])
    assert all(told.messages for told in found)
    with open_export(path) as export:
        assert export.left_out == []


@pytest.fixture(scope="module")
def told() -> list[Talk]:
    return list(islice(talks(Writer(3, "trimmed")), 12))


@pytest.mark.parametrize("source", KINDS)
def test_the_same_conversations_come_as_every_source_has_them(tmp_path: Path, source: str, told: list[Talk]) -> None:
    with open_export(write_zip(tmp_path / "out", KINDS[source].write(0, told))) as export:
        items = list(export.conversations())
        assert (export.source, export.left_out, dict(export.unfamiliar)) == (source, [], {})
    assert all(isinstance(item, Conversation) and len(item.messages) > 1 for item in items)
    assert len(items) == len(told) or source == "gemini"  # whose conversations are inferred


def test_an_export_of_another_source_is_as_large_as_it_is_asked_to_be(tmp_path: Path) -> None:
    main([str(tmp_path / "out"), "--source", "codex", "--size", "100kB"])
    assert sum(file.stat().st_size for file in (tmp_path / "out").iterdir()) >= 100_000


def test_every_source_is_generated() -> None:
    assert {*KINDS, "chatgpt"} == {*SOURCES}


def test_all_images_come_with_their_bytes_and_names(tmp_path: Path) -> None:
    path = tmp_path / "out.zip"
    generate(path, size=1_500_000, container="zip")
    found, _ = read_all(path)
    attachments = [one for told in found for message in told.messages for one in message.attachments]
    assert attachments
    assert all(one.member and one.name and one.mime_type == "image/png" for one in attachments)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        main([str(tmp_path / name), "--size", "100kB", "--seed", seed])
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c
    assert len(a) >= 100_000


def test_sizes_are_written_as_people_write_them() -> None:
    assert [size_of(text) for text in ("200MB", "1 GB", "1.5k", "7")] == [200_000_000, 10**9, 1_500, 7]
