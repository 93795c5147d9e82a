"""Passages and their vectors, on both databases: stored once, read back, searched, and gone when they should be."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete, event, select, text

from commonplace.archive.care.backup import backup
from commonplace.archive.care.forget import forget
from commonplace.archive.care.restore import restore
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.schema import features, passages
from commonplace.archive.search import near, passages_files
from commonplace.archive.search import passages as stored
from commonplace.archive.search.passages import Floats, Kind, Place, Placed
from commonplace.archive.search.passages_files import Vectors
from tests.archive.builders import simple_chat

DIMENSIONS = 64


def _direction(word: str) -> Floats:
    seed = int.from_bytes(blake2b(word.encode(), digest_size=4).digest())
    row = np.random.default_rng(seed).normal(size=DIMENSIONS).astype(np.float32)
    return row / np.linalg.norm(row)


def _begin(archive: Archive, kind: str = "test") -> Kind:
    return stored.begin(archive, kind, DIMENSIONS, is_bought=False)


def _embed(archive: Archive, kind: Kind, ids: Sequence[str], direction: Callable[[str], Floats] = _direction) -> int:
    """Each message is one passage, whose direction is that of its text."""
    found = []
    for each in stored.texts(archive, ids, longest=100):
        places = [
            Place(said.key, said.role, 0, len(said.text), blake2b(said.text.encode(), digest_size=16).digest())
            for said in each.messages
        ]
        rows = np.stack([direction(said.text) for said in each.messages]) if places else np.zeros((0, DIMENSIONS))
        found.append(Placed(each.key, each.id, each.content_hash, places, rows.astype(np.float32)))
    return stored.store(archive, kind, found)


def _keys(archive: Archive) -> list[int]:
    with archive.read() as connection:
        return list(connection.execute(select(passages.c.key).order_by(passages.c.key)).scalars())


def _near(archive: Archive, kind: Kind, word: str, **narrowed: object) -> list[str]:
    """The texts that were found nearest."""
    found = near.nearest(archive, kind, _direction(word), **narrowed)  # type: ignore[arg-type]
    with archive.read() as connection:
        said = {row.key: row.text for row in connection.execute(text("SELECT key, text FROM messages"))}
    return [said[each.place.message_key] for each in found]


@pytest.fixture
def kind(archive: Archive) -> Kind:
    merge(archive, None, [simple_chat("a", "bread", "flour"), simple_chat("b", "boats"), simple_chat("c", "taxes")])
    return _begin(archive)


IDS = ["chatgpt:a", "chatgpt:b", "chatgpt:c"]


@pytest.mark.parametrize("renewed", [False, True])
def test_the_nearest_are_found_before_and_after_what_is_searched_is_made(
    archive: Archive, kind: Kind, renewed: bool
) -> None:
    assert _embed(archive, kind, IDS) == 4
    if renewed:
        near.renew(archive, kind, at_once=True)
    assert _near(archive, kind, "boats")[0] == "boats"
    assert _near(archive, kind, "flour")[0] == "flour"
    assert len(_near(archive, kind, "flour")) == 3


def test_what_came_after_is_found_and_what_went_is_not(archive: Archive, kind: Kind) -> None:
    _embed(archive, kind, IDS)
    near.renew(archive, kind, at_once=True)
    merge(archive, None, [simple_chat("d", "sheep"), simple_chat("b", "boats", "sails", updated=200)])
    _embed(archive, kind, ["chatgpt:b", "chatgpt:d"])
    forget(archive, ids=["chatgpt:c"])
    assert _near(archive, kind, "sheep")[0] == "sheep"
    assert _near(archive, kind, "sails")[0] == "sails"
    assert "taxes" not in _near(archive, kind, "taxes")


def test_another_passage_of_a_conversation_takes_the_place_of_the_nearest_that_went(
    archive: Archive, kind: Kind
) -> None:
    _embed(archive, kind, IDS)
    near.renew(archive, kind, at_once=True)
    nearest = near.nearest(archive, kind, _direction("bread"))[0].place
    with archive.write() as connection:
        connection.execute(delete(passages).where(passages.c.message_key == nearest.message_key))
    assert sorted(_near(archive, kind, "bread")) == ["boats", "flour", "taxes"]


def test_what_is_like_many_others_is_not_the_nearest_to_every_question(sqlite_archive: Archive) -> None:
    """Thirty chats say about the same, and are a little nearer to the question than the one that is about it."""
    archive, words = sqlite_archive, [f"common {n}" for n in range(30)]
    merge(archive, None, [simple_chat(f"{n}", word) for n, word in enumerate([*words, "particular"])])
    mixed = {"particular": 0.55 * _direction("question") + 0.8 * _direction("particular")}
    mixed |= {w: 0.6 * _direction("question") + 0.7 * _direction("crowd") + 0.3 * _direction(w) for w in words}
    kind = _begin(archive)
    _embed(archive, kind, [f"chatgpt:{n}" for n in range(31)], lambda said: mixed[said] / np.linalg.norm(mixed[said]))
    assert _near(archive, kind, "question")[0] == "particular"


def test_what_was_said_twice_is_no_crowd(archive: Archive, kind: Kind) -> None:
    merge(archive, None, [simple_chat("d", "boats")])
    _embed(archive, kind, [*IDS, "chatgpt:d"])
    assert _near(archive, kind, "boats")[:2] == ["boats", "boats"]


def test_no_search_goes_through_all_that_was_embedded(sqlite_archive: Archive) -> None:
    kind = _begin(sqlite_archive)
    merge(sqlite_archive, None, [simple_chat("a", "bread"), simple_chat("b", "boats")])
    _embed(sqlite_archive, kind, ["chatgpt:a", "chatgpt:b"])
    asked: list[tuple[str, Any]] = []
    event.listen(sqlite_archive.engine, "before_cursor_execute", lambda *a: asked.append((a[2], a[3])))
    near.nearest(sqlite_archive, kind, _direction("bread"))
    by_key = [one for one in asked if "IN (" in one[0]]
    assert len(by_key) == 2
    with sqlite_archive.read() as connection:
        for statement, parameters in by_key:
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all():
                assert "rowid=?" in row[3] or "conversation_id=?" in row[3], row[3]


def test_one_new_message_is_one_new_passage(archive: Archive, kind: Kind) -> None:
    _embed(archive, kind, IDS)
    before = _keys(archive)
    merge(archive, None, [simple_chat("a", "bread", "flour", "water", updated=200)])
    assert _embed(archive, kind, ["chatgpt:a"]) == 1
    assert _keys(archive)[: len(before)] == before


def test_embedding_again_stores_nothing(archive: Archive, kind: Kind) -> None:
    _embed(archive, kind, IDS)
    assert _embed(archive, kind, IDS) == 0


def test_what_changed_while_it_was_embedded_is_left_to_be_done(archive: Archive, kind: Kind) -> None:
    (before,) = stored.texts(archive, ["chatgpt:b"], longest=100)
    merge(archive, None, [simple_chat("b", "boats", "sails", updated=200)])
    place = Place(before.messages[0].key, "user", 0, 5, b"x" * 16)
    row = _direction("boats")[None]
    assert stored.store(archive, kind, [Placed(before.key, before.id, before.content_hash, [place], row)]) == 0
    with archive.read() as connection:
        assert connection.execute(select(features)).all() == []


def test_a_conversation_that_says_nothing_is_done_without_a_passage(archive: Archive, kind: Kind) -> None:
    (each,) = stored.texts(archive, ["chatgpt:b"], longest=100)
    nothing = np.zeros((0, DIMENSIONS), dtype=np.float32)
    assert stored.store(archive, kind, [Placed(each.key, each.id, each.content_hash, [], nothing)]) == 0
    with archive.read() as connection:
        assert connection.execute(select(features.c.vector)).scalars().all() == [b""]
    assert near.nearest(archive, kind, _direction("boats")) == []


def test_filters_narrow_before_the_nearest_are_looked_for(archive: Archive, kind: Kind) -> None:
    _embed(archive, kind, IDS)
    near.renew(archive, kind, at_once=True)
    (of_c,) = stored.texts(archive, ["chatgpt:c"], longest=100)
    assert _near(archive, kind, "boats", only={of_c.key}) == ["taxes"]
    assert _near(archive, kind, "boats", only=set()) == []
    assert _near(archive, kind, "bread", role="assistant") == ["flour"]


def test_kinds_are_never_compared_and_one_can_go(archive: Archive, kind: Kind) -> None:
    other = _begin(archive, "other")
    _embed(archive, kind, IDS)
    _embed(archive, other, ["chatgpt:b"])
    near.renew(archive, kind, at_once=True)
    assert _near(archive, other, "bread") == ["boats"]
    stored.drop(archive, kind)
    assert [each.kind for each in stored.kinds(archive)] == ["other"]
    assert len(_keys(archive)) == 1


def test_no_owner_sees_anothers(archive: Archive, kind: Kind) -> None:
    _embed(archive, kind, IDS)
    other = archive.of("somebody")
    assert stored.kinds(other) == []
    theirs = stored.begin(other, "test", DIMENSIONS, is_bought=False)
    assert near.nearest(other, theirs, _direction("bread")) == []


def test_vectors_are_read_back_by_conversation_in_the_order_of_the_passages(archive: Archive, kind: Kind) -> None:
    _embed(archive, kind, IDS)
    found = {id: (places, rows) for id, places, rows in stored.of_conversations(archive, kind, IDS)}
    places, rows = found["chatgpt:a"]
    assert [place.role for place in places] == ["user", "assistant"]
    assert np.allclose(rows, np.stack([_direction("bread"), _direction("flour")]), atol=0.005)


@pytest.mark.parametrize("harm", ["cut short", "emptied", "of another kind", "no header", "deleted"])
def test_a_file_that_is_not_whole_is_passed_over(sqlite_archive: Archive, harm: str) -> None:
    archive = sqlite_archive
    kind = _boats_and_taxes(archive)
    (path,) = _files(archive)
    if harm == "cut short":
        os.truncate(path, path.stat().st_size - 1)
    elif harm == "emptied":
        os.truncate(path, 0)
    elif harm == "of another kind":
        path.write_bytes(path.read_bytes().replace(kind.token.encode(), b"0" * 16, 1))
    elif harm == "no header":
        path.write_bytes(b"\xff" * path.stat().st_size)
    else:
        path.unlink()
    assert _near(archive, kind, "boats") == ["boats", "taxes"]
    near.renew(archive, kind, at_once=True)
    assert passages_files.newest(archive, kind)[0] == 2


@pytest.mark.parametrize("part", Vectors.__struct_fields__)
def test_a_wrong_byte_is_noticed(sqlite_archive: Archive, part: str) -> None:
    archive = sqlite_archive
    kind = _boats_and_taxes(archive)
    assert passages_files.is_sound(archive, kind)
    (path,) = _files(archive)
    whole = bytearray(path.read_bytes())
    wanted = getattr(passages_files.newest(archive, kind)[1], part).tobytes()
    whole[whole.rindex(wanted)] ^= 0x55
    path.write_bytes(whole)
    assert not passages_files.is_sound(archive, kind)
    assert _near(archive, kind, "boats") == ["boats", "taxes"]
    assert passages_files.newest(archive, kind)[0] == (2 if part == "vectors" else 0)
    near.renew(archive, kind, at_once=True)
    assert passages_files.is_sound(archive, kind)


def test_who_reads_an_older_file_keeps_it_while_a_newer_one_is_made(sqlite_archive: Archive) -> None:
    archive = sqlite_archive
    merge(archive, None, [simple_chat("b", "boats")])
    kind = _begin(archive)
    _embed(archive, kind, ["chatgpt:b"])
    near.renew(archive, kind, at_once=True)
    _, before = passages_files.newest(archive, kind)
    merge(archive, None, [simple_chat("c", "taxes")])
    _embed(archive, kind, ["chatgpt:c"])
    near.renew(archive, kind, at_once=True)
    assert (before.keys.tolist(), len(passages_files.newest(archive, kind)[1])) == ([1], 2)
    assert len(_files(archive)) == 1


def test_a_folder_that_cannot_be_written_leaves_all_to_the_table(sqlite_archive: Archive) -> None:
    archive = sqlite_archive
    merge(archive, None, [simple_chat("b", "boats")])
    kind = _begin(archive)
    _embed(archive, kind, ["chatgpt:b"])
    folder = passages_files.folder_of(archive)
    assert folder is not None
    folder.write_text("a file where the folder should be")
    near.renew(archive, kind, at_once=True)
    assert _near(archive, kind, "boats") == ["boats"]


def test_a_killed_writer_leaves_no_file_that_is_read(sqlite_archive: Archive) -> None:
    archive = sqlite_archive
    merge(archive, None, [simple_chat("b", "boats")])
    kind = _begin(archive)
    _embed(archive, kind, ["chatgpt:b"])
    folder = passages_files.folder_of(archive)
    assert folder is not None
    folder.mkdir()
    half = folder / f"{kind.token}.half.partial"
    half.write_bytes(b"half a file")
    os.utime(half, (0, 0))
    assert _near(archive, kind, "boats") == ["boats"]
    passages_files.sweep(archive, {kind.token})
    assert list(folder.iterdir()) == []


def test_what_is_forgotten_is_in_no_file_either(sqlite_archive: Archive) -> None:
    archive = sqlite_archive
    _boats_and_taxes(archive)
    (gone,), _ = stored.quantized(_direction("taxes")[None])
    assert gone.tobytes() in _files(archive)[0].read_bytes()
    forget(archive, ids=["chatgpt:c"])
    assert gone.tobytes() not in _files(archive)[0].read_bytes()
    assert gone.tobytes() not in Path(str(archive.engine.url.database)).read_bytes()


def test_a_file_that_cannot_be_deleted_is_told_and_is_written_anew_when_it_can(sqlite_archive: Archive) -> None:
    archive = sqlite_archive
    kind = _boats_and_taxes(archive)
    (file,) = _files(archive)
    file.unlink()
    (file / "held").mkdir(parents=True)  # which root cannot delete as a file either
    report = forget(archive, ids=["chatgpt:c"])
    assert (report.conversation_ids, report.vectors_left) == (["chatgpt:c"], [str(file)])
    assert near.renew(archive, kind), "however little came or went"
    (file / "held").rmdir()
    file.rmdir()
    assert near.renew(archive, kind)
    assert not near.renew(archive, kind)
    assert forget(archive, ids=["chatgpt:c"]).vectors_left == []


def test_a_backup_has_the_vectors_that_were_bought_and_no_others(archive: Archive, kind: Kind, tmp_path: Path) -> None:
    bought = stored.begin(archive, "bought", DIMENSIONS, is_bought=True)
    _embed(archive, kind, IDS)
    _embed(archive, bought, ["chatgpt:b"])
    backup(archive, tmp_path / "kept.zip")
    restore(archive, tmp_path / "kept.zip", force=True)
    assert [each.kind for each in stored.kinds(archive)] == ["bought"]
    assert _near(archive, bought, "boats") == ["boats"]
    with archive.read() as connection:
        assert set(connection.execute(select(features.c.kind)).scalars()) == {"bought"}
    assert _embed(archive, _begin(archive), IDS) == 4


def _boats_and_taxes(archive: Archive) -> stored.Kind:
    """Two conversations, embedded, and a file of their vectors."""
    merge(archive, None, [simple_chat("b", "boats"), simple_chat("c", "taxes")])
    kind = _begin(archive)
    _embed(archive, kind, ["chatgpt:b", "chatgpt:c"])
    near.renew(archive, kind, at_once=True)
    return kind


def _files(archive: Archive) -> list[Path]:
    folder = passages_files.folder_of(archive)
    return sorted(folder.glob("*.vectors")) if folder else []
