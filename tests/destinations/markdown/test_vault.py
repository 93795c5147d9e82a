"""The folder itself: changes that happen completely or not at all, also when several are at it."""

from __future__ import annotations

import gc
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from commonplace.destinations.markdown.vault import Vault, _host, vault_at


def _note(id: str, more: str = "") -> str:
    return f"---\nid: {id}\n---\n{more}"


def _names(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_notes_are_found_by_their_ids_in_the_first_bytes(tmp_path: Path) -> None:
    written = {
        "plain.md": _note("a"),
        "sub/quoted.md": '---\r\ntitle: x\r\nid: "b"\r\n---\r\n',
        "long.md": f"---\nsummary: {'x' * 9000}\nid: c\n---\n",
        "bom.MD": "\ufeff" + _note("d"),
        "no front matter.md": "id: e\n",
        "unclosed.md": "---\nid: f\n",
        "list.md": "---\nid: [g]\n---\n",
        "not a note.txt": _note("h"),
        ".obsidian/hidden.md": _note("i"),
        ".hidden.md": _note("j"),
    }
    for name, text in written.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text.encode())
    vault = Vault(tmp_path)
    assert {id: vault.find(id) for id in "abcdefghij"} == {
        **dict.fromkeys("efghij"),
        "a": "plain.md",
        "b": "sub/quoted.md",
        "c": "long.md",
        "d": "bom.MD",
    }


def test_of_copies_the_one_we_know_is_ours(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text(_note("x"))
    assert Vault(tmp_path).find("x", preferred="b.md") == "b.md"
    assert Vault(tmp_path).find("x", preferred="gone.md") == "a.md"


def test_two_processes_that_choose_one_name_get_two(tmp_path: Path) -> None:
    """Two vaults of one folder know nothing of each other, as in two processes."""
    vaults = [Vault(tmp_path), Vault(tmp_path)]
    for vault in vaults:
        assert vault.ids() == []

    def create(number: int) -> str:
        vault = vaults[number % 2]
        return vault.create(f"{number}", _note(f"{number}"), (f"Same{n or ''}.md" for n in range(100)))

    with ThreadPoolExecutor(4) as threads:
        paths = list(threads.map(create, range(40)))
    assert len(set(paths)) == 40
    assert sorted(vault_ids for vault_ids in Vault(tmp_path).ids()) == sorted(map(str, range(40)))


def test_names_that_differ_by_case_only_are_taken(tmp_path: Path) -> None:
    (tmp_path / "TITLE.md").write_text("a person's")
    assert Vault(tmp_path).create("x", _note("x"), ["Title.md", "Title (x).md"]) == "Title (x).md"
    with pytest.raises(FileExistsError):
        Vault(tmp_path).create("y", _note("y"), ["title.MD"])


def test_a_rename_killed_between_its_two_steps_leaves_one_note(tmp_path: Path) -> None:
    (tmp_path / "old.md").write_text(_note("x"))
    os.link(tmp_path / "old.md", tmp_path / "new.md")
    assert Vault(tmp_path).find("x") == "new.md"
    assert _names(tmp_path) == ["new.md"]


def test_old_leftovers_are_swept_and_new_ones_are_somebodys_work(tmp_path: Path) -> None:
    for name, age in ((".commonplace-old.tmp", 7200), (".commonplace-new.tmp", 0)):
        path = tmp_path / name
        path.write_text("half")
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    Vault(tmp_path).ids()
    assert _names(tmp_path) == [".commonplace-new.tmp"]


def test_a_note_keeps_the_permissions_a_person_gave_it(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    path = vault.create("x", _note("x"), ["x.md"])
    (tmp_path / path).chmod(0o640)
    vault.replace(path, _note("x", "more"))
    assert stat.S_IMODE((tmp_path / path).stat().st_mode) == 0o640


@pytest.mark.parametrize(("shared", "folder", "file"), [(False, 0o700, 0o600), (True, 0o755, 0o644)])
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_others_read_a_vault_only_where_that_was_said(
    tmp_path: Path, shared: bool, folder: int, file: int, umask: int
) -> None:
    before = os.umask(umask)
    try:
        Vault(tmp_path, shared=shared).create("x", _note("x"), ["2026/x.md"])
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / path).stat().st_mode) for path in ("2026", "2026/x.md")]
    assert modes == [folder, file]


def test_who_uses_a_folder_at_the_same_time_shares_what_was_read(tmp_path: Path) -> None:
    first = vault_at(tmp_path)
    assert vault_at(tmp_path) is first
    first.ids()
    del first
    gc.collect()
    (tmp_path / "x.md").write_text(_note("x"))
    assert vault_at(tmp_path).ids() == ["x"]


def test_notes_in_a_folder_that_is_a_link_are_found_once(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "notes", tmp_path / "cloud"
    elsewhere.mkdir()
    root.mkdir()
    (root / "conversations").symlink_to(elsewhere)
    (root / "again").symlink_to(root / "conversations")
    (elsewhere / "round").symlink_to(root)
    (root / "up").symlink_to(tmp_path)
    Vault(root).create("a", _note("a"), ["conversations/x.md"])
    assert len(Vault(root)._index()["a"]) == 1
    assert (elsewhere / "x.md").is_file()


def test_a_note_that_is_a_link_stays_one(tmp_path: Path) -> None:
    root = tmp_path / "notes"
    root.mkdir()
    (tmp_path / "real.md").write_text(_note("a", "old"))
    (root / "linked.md").symlink_to(tmp_path / "real.md")
    vault = Vault(root)
    vault.replace("linked.md", _note("a", "new"))
    assert vault.rename("a", "linked.md", ["moved.md"]) == "linked.md"
    assert (root / "linked.md").is_symlink()
    assert (tmp_path / "real.md").read_text() == _note("a", "new")


def test_of_a_note_and_a_link_to_it_the_note_stays(tmp_path: Path) -> None:
    (tmp_path / "z.md").write_text(_note("a"))
    (tmp_path / "b.md").symlink_to(tmp_path / "z.md")
    (tmp_path / "zz.md").symlink_to(tmp_path / "z.md")
    assert Vault(tmp_path).find("a") == "z.md"
    assert _names(tmp_path) == ["b.md", "z.md", "zz.md"]


def test_what_a_killed_run_left_is_removed_by_the_next_and_what_another_writes_is_not(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as other:
        left, under_way = (tmp_path / f".commonplace-{_host()}-{other.pid}-{n}.tmp" for n in "12")
        under_way.write_text("")
        Vault(tmp_path).ids()
        assert under_way.exists()
        other.communicate()
    left.write_text("")
    Vault(tmp_path).ids()
    assert _names(tmp_path) == []
