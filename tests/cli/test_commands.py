"""The commands as programs use them: one JSON object, stable keys, exit codes, and errors that say what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from commonplace.sources.chatgpt.sample import write_sample
from tests.cli.conftest import Run


@pytest.fixture
def filled(run: Run, tmp_path: Path) -> Path:
    """An archive with the sample in it; the sample's path."""
    sample = tmp_path / "sample.zip"
    write_sample(sample, conversations=20)
    code, report = run("import", "--direct", sample)
    assert (code, report["new"]) == (0, 20)
    return sample


def _id_of_one(run: Run) -> str:
    found = run("search", "the")[1]["results"]
    assert found
    return str(found[0]["id"])


def test_import_balances_and_the_same_file_changes_nothing(run: Run, filled: Path) -> None:
    code, again = run("import", "--direct", filled)
    keys = "read new changed unchanged empty failed messages attachments defects seconds"
    assert set(keys.split()) <= again.keys()
    assert code == 0
    assert (again["read"], again["new"], again["unchanged"]) == (20, 0, 20)


def test_the_attachments_of_a_conversation_are_written_into_a_folder(run: Run, filled: Path, tmp_path: Path) -> None:
    shown = (run("show", each["id"])[1] for each in run("search", "", "--limit", "100")[1]["results"])
    pictured = next(one for one in shown if any(message["attachments"] for message in one["messages"]))
    code, told = run("show", pictured["id"], "--attachments", tmp_path / "pictures")
    (written,) = told["extracted"]
    assert (code, Path(written).parent) == (0, tmp_path / "pictures")
    assert Path(written).read_bytes().startswith(b"\x89PNG")
    assert told["messages"] == pictured["messages"]


def test_import_of_rubbish_says_so(run: Run, tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.zip"
    rubbish.write_bytes(b"not a zip")
    code, told = run("import", "--direct", rubbish)
    assert code == 1
    assert "error" in told


def test_search_has_its_keys_and_survives_any_query(run: Run, filled: Path) -> None:
    code, found = run("search", "the")
    assert code == 0
    assert {"total", "total_is_exact", "took_ms", "facets", "results"} <= found.keys()
    keys = {"id", "title", "created_at", "snippet", "score", "category", "project"}
    assert keys <= found["results"][0].keys()
    for odd in ('"', "AND OR NOT", "title:x", "*", "(((", "NEAR/3", "'; DROP TABLE messages"):
        assert run("search", odd)[0] == 0


def test_search_pages_do_not_overlap(run: Run, filled: Path) -> None:
    pages = [run("search", "a", "--newest", "--limit", "3", "--page", str(page))[1]["results"] for page in (1, 2)]
    ids = [result["id"] for page in pages for result in page]
    assert len(ids) == len(set(ids))


def test_show_has_its_keys_and_takes_the_beginning_of_an_id(run: Run, filled: Path) -> None:
    identity = _id_of_one(run)
    code, shown = run("show", identity.partition(":")[2][:12])
    assert code == 0
    keys = "id title created_at updated_at source project category tags summary messages"
    assert set(keys.split()) <= shown.keys()
    assert {"id", "parent", "role", "text", "created_at", "active", "hidden"} <= shown["messages"][0].keys()
    code, told = run("show", "no-such-conversation")
    assert code == 1
    assert "no-such-conversation" in told["error"]


def test_categorize_and_review(run: Run, filled: Path) -> None:
    code, planned = run("categorize", "--dry-run")
    assert code == 0
    assert planned["pending"] == 20
    code, report = run("categorize", "--direct")
    assert code == 0
    assert {"judged", "unchanged", "failed", "review", "tokens", "cost_usd", "seconds"} <= report.keys()
    assert report["judged"] == 20
    assert run("categorize", "--direct")[1]["judged"] == 0
    identity = _id_of_one(run)
    assert run("review", identity, "--category", "Health & Fitness")[0] == 0
    assert run("show", identity)[1]["category"] == "Health & Fitness"
    code, told = run("review", identity, "--category", "Nonsense")
    assert code == 1
    assert "Health & Fitness" in told["hint"]


def test_what_is_typed_in_another_encoding_is_kept_or_told_and_never_a_traceback(run: Run, filled: Path) -> None:
    assert run("categorize", "--direct")[0] == 0
    identity = _id_of_one(run)
    code, told = run("review", identity, "--title", "\udcff", "--tags", "a\udcff,b")
    assert (code, told["title"]) == (0, "\ufffd")
    assert run("show", identity)[1]["tags"] == ["a\ufffd", "b"]
    assert run("search", "\udcff", "--category", "\udcff")[0] == 0
    for command in (("show", "\udcff"), ("search", "the", "--project", "\udcff"), ("review", "\udcff", "--confirm")):
        code, told = run(*command)
        assert (code, "error" in told) == (1, True)
    odd = filled.rename(filled.with_name("sample\udcff.zip"))
    assert run("import", "--direct", odd)[1]["unchanged"] == 20


def test_a_correction_can_be_taken_back(run: Run, filled: Path) -> None:
    assert run("categorize", "--direct")[0] == 0
    identity = _id_of_one(run)
    judged = run("show", identity)[1]
    assert run("review", identity, "--category", "Health & Fitness", "--tags", "mine", "--title", "Mine")[0] == 0
    code, told = run("review", identity, "--withdraw", "--field", "tags")
    assert (code, told["withdrawn"]) == (0, ["tags"])
    shown = run("show", identity)[1]
    assert (shown["category"], shown["tags"]) == ("Health & Fitness", judged["tags"])
    assert run("review", identity, "--withdraw")[1]["withdrawn"] == ["category", "title"]
    assert run("show", identity)[1] == judged
    for wrong in (("--withdraw",), ("--withdraw", "--field", "summary")):
        code, told = run("review", identity, *wrong)
        assert (code, "error" in told) == (1, True)
    assert run("review", "--withdraw")[0] == 1


def test_sync_writes_once(run: Run, filled: Path, tmp_path: Path) -> None:
    assert run("sync", "markdown", "--dry-run")[1]["pending"] == 20
    code, report = run("sync", "markdown", "--direct")
    keys = "destination created updated unchanged failed uncertain conflicts requests seconds"
    assert set(keys.split()) <= report.keys()
    assert (code, report["created"]) == (0, 20)
    assert run("sync", "markdown", "--direct")[1]["created"] == 0
    assert run("sync", "nowhere", "--direct")[0] == 1


def test_stats_and_export(run: Run, filled: Path, tmp_path: Path) -> None:
    for by in ("month", "weekday", "hour", "model", "project", "category", "source", "length"):
        code, told = run("stats", "--by", by)
        assert code == 0
        assert sum(row["conversations"] for row in told["rows"]) >= 20 or by in {"model", "project", "category"}
    for format in ("jsonl", "csv", "parquet"):
        code, told = run("export", "--format", format, "--output", tmp_path / f"book.{format}")
        assert (code, told["rows"]) == (0, 20)
    for format in ("markdown", "html", "openai-finetune", "sharegpt"):
        code, told = run("export", "--format", format, "--output", tmp_path / f"book.{format}")
        assert (code, told["conversations"]) == (0, 20)
    code, told = run("export", _id_of_one(run), "--format", "html", "--output", tmp_path / "one.html")
    assert (code, told["conversations"]) == (0, 1)
    assert run("export", _id_of_one(run), "--format", "csv", "--output", tmp_path / "x")[0] == 1
    line = json.loads((tmp_path / "book.jsonl").read_text().splitlines()[0])
    assert {"id", "category", "confidence", "tags", "summary", "project"} <= line.keys()


def test_a_backup_restores_and_is_not_written_over(run: Run, filled: Path, tmp_path: Path) -> None:
    book = tmp_path / "book.commonplace"
    assert run("backup", book)[0] == 0
    assert run("backup", book)[0] == 1
    code, told = run("restore", book)
    assert code == 1
    assert "--force" in told["hint"]
    before = run("stats")[1]["totals"]["conversations"]
    identity = _id_of_one(run)
    assert run("forget", identity)[0] == 0
    assert run("restore", book, "--force")[0] == 0
    assert run("show", identity)[0] == 1, "what was forgotten since stays forgotten"
    assert run("stats")[1]["totals"]["conversations"] == before - 1
    assert run("verify")[1]["ok"] is True


def test_forgetting_is_shown_before_it_is_done_and_lasts(run: Run, filled: Path) -> None:
    identity = _id_of_one(run)
    assert run("forget", identity, "--dry-run")[1]["conversation_ids"] == [identity]
    assert run("show", identity)[0] == 0
    assert run("forget", identity)[0] == 0
    assert run("import", "--direct", filled)[1]["new"] == 0
    assert run("show", identity)[0] == 1


def test_taxonomies_are_listed_shown_made_and_renamed(run: Run, filled: Path) -> None:
    names = {line["name"] for line in run("taxonomy", "list")[1]["taxonomies"]}
    assert "everyday" in names
    assert len(names) >= 2
    assert len(run("taxonomy", "show", "everyday")[1]["categories"]) == 15
    made = run("taxonomy", "create", "mine", "--category", "Kitchen: cooking", "--category", "Garden")[1]
    assert made["categories"] == ["Kitchen", "Garden", "Other"]
    told = run("taxonomy", "check")[1]
    assert (told["name"], told["is_narrow"], len(told["categories"])) == ("everyday", False, 14)
    assert told["archive"]["conversations"] > 0
    assert run("taxonomy", "check", "none")[0] == 1
    assert run("taxonomy", "rename", "mine", "Garden", "Outdoors")[0] == 0
    assert run("taxonomy", "remove", "mine")[0] == 0
    assert run("taxonomy", "show", "mine")[0] == 1


def test_doctor_looks_at_everything(run: Run) -> None:
    code, told = run("doctor")
    assert code == 0
    assert {"Python", "Archive", "Destination markdown", "Prefect server"} <= {c["subject"] for c in told["checks"]}


def test_doctor_shows_by_which_mark_the_archive_is_known_elsewhere(run: Run, filled: Path, tmp_path: Path) -> None:
    assert run("backup", str(tmp_path / "kept.commonplace"))[0] == 0
    _, told = run("doctor")
    (archive,) = (check["finding"] for check in told["checks"] if check["subject"] == "Archive")
    assert re.search(r", mark [0-9a-f]{8}$", archive)


def test_a_wrong_setting_is_told_by_name(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "commonplace.toml").write_text("[categorise]\n")
    monkeypatch.chdir(tmp_path)
    code, told = run("stats")
    assert code == 1
    assert "'categorize'" in told["error"]


def test_an_unreachable_prefect_server_is_an_error_and_not_another_server(
    run: Run, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    code, told = run("sync", "markdown")
    assert code == 1
    assert "PREFECT_API_URL" in told["hint"]


@pytest.mark.parametrize(
    "command",
    [
        ("search", "the"),
        ("export", "--output", "out.jsonl"),
        ("categorize", "--dry-run"),
        ("map", "--dry-run"),
        ("sync", "markdown", "--dry-run"),
        ("forget", "--dry-run"),
    ],
    ids=lambda command: command[0],
)
def test_a_project_that_nobody_knows_is_an_error(
    run: Run, filled: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(filled.parent)
    code, told = run(*command, "--project", "No such project")
    assert (code, told["error"]) == (1, "There is no project 'No such project'.")
    assert "projects list" in told["hint"]


def test_a_category_typed_elsewhere_is_offered_and_taken(run: Run, filled: Path) -> None:
    from commonplace.archive.verdicts.proposals import propose
    from commonplace.session import open_session

    identity = _id_of_one(run)
    with open_session() as (_, _, archive):
        propose(archive, "everyday", "Knitting", identity)
    assert run("review")[1]["proposed"] == {"Knitting": 1}
    assert run("review", "--new-category", "Knitting")[1] == {"category": "Knitting", "given_to": 1}
    assert run("show", identity)[1]["category"] == "Knitting"
    assert run("review")[1]["proposed"] == {}


@pytest.mark.parametrize("narrower", [("--only", "abc"), ("--project", "Bread"), ("--since", "2025-01-01")])
def test_what_a_prune_removes_is_not_less_because_less_was_to_be_written(run: Run, narrower: tuple[str, str]) -> None:
    code, told = run("sync", "notion", "--prune", "--yes", *narrower)
    assert (code, told["error"].partition(" ")[0]) == (1, "--prune")
    assert "Leave out" in told["hint"]


def test_a_chart_that_there_is_not_is_refused_and_not_left_out(run: Run, tmp_path: Path) -> None:
    code, told = run("stats", "--most", "longest", "--chart", tmp_path / "x.svg")
    assert (code, told["hint"]) == (1, "Leave out --chart, or --most.")
