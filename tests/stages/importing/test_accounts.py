"""Several accounts of one assistant: what one of them said is never taken for the other's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commonplace.archive.care.forget import forget
from commonplace.archive.conversations.reading import list_conversations, load_conversation
from commonplace.archive.core import Archive
from commonplace.archive.figures import statistics
from commonplace.archive.search.filters import Filters
from commonplace.archive.search.search import search
from commonplace.config import load
from commonplace.errors import Refused
from commonplace.session import Session
from commonplace.stages.importing.report import ImportReport
from commonplace.stages.importing.stage import import_exports
from tests.fakes.assistants import claude_conversation, claude_message
from tests.fakes.exports import write_zip

ACCOUNTS = """
[accounts.work]
source = "claude"
folders = ["{folder}"]
[accounts.home]
source = "claude"
address = "me@home.org"
[accounts.claude]
every_days = 7
"""


@pytest.fixture
def session(archive: Archive, tmp_path: Path) -> Session:
    (tmp_path / "commonplace.toml").write_text(ACCOUNTS.format(folder=tmp_path / "work"))
    return Session(*load({"COMMONPLACE_HOME": str(tmp_path)}, folder=tmp_path), archive)


def export(path: Path, said: str = "Bread", *, address: str | None = None) -> Path:
    """One conversation, and what Claude remembers, which has the same id in every account."""
    path.parent.mkdir(exist_ok=True)
    files: dict[str, Any] = {
        "conversations.json": [claude_conversation("c", claude_message("m", said))],
        "memories.json": [{"conversations_memory": f"Likes {said}"}],
    }
    if address:
        files["users.json"] = [{"uuid": "u", "email_address": address}]
    return write_zip(path, files)


def told(report: ImportReport) -> tuple[int, int, int, list[str]]:
    assert report.is_balanced
    return report.new, report.changed, report.unchanged, report.errors


def said(archive: Archive, id: str) -> list[str]:
    found = load_conversation(archive, id)
    return [message.text for message in found.messages] if found else []


def test_the_same_conversation_in_two_accounts_is_two(session: Session, tmp_path: Path) -> None:
    archive, plain = session.archive, export(tmp_path / "a.zip")
    assert told(import_exports(session, [plain])) == (2, 0, 0, [])
    assert told(import_exports(session, [plain], account="work")) == (2, 0, 0, [])
    assert told(import_exports(session, [export(tmp_path / "b.zip", "Tea")], account="home")) == (2, 0, 0, [])
    memories = {origin: said(archive, f"{origin}:memories") for origin in ("claude", "claude@work", "claude@home")}
    assert memories == {"claude": ["Likes Bread"], "claude@work": ["Likes Bread"], "claude@home": ["Likes Tea"]}
    forget(archive, ids=["claude@work:memories"])
    again = [import_exports(session, [plain], account=account) for account in ("", "work", "claude")]
    assert [told(one)[:3] for one in again] == [(0, 0, 2)] * 3
    assert said(archive, "claude@work:memories") == []
    assert said(archive, "claude:memories") == ["Likes Bread"]


def test_one_account_is_asked_for_by_its_name_behind_its_source(session: Session, tmp_path: Path) -> None:
    archive = session.archive
    import_exports(session, [export(tmp_path / "a.zip")])
    import_exports(session, [export(tmp_path / "b.zip", "Bread and tea")], account="work")

    def found(source: str) -> list[str]:
        asked = search(archive, "bread", filters=Filters(source=source)).results
        listed = list_conversations(archive, Filters(source=source))
        assert {one.id for one in asked} == {one.id for one in listed}
        return sorted(one.id for one in asked)

    assert found("claude@work") == ["claude@work:c", "claude@work:memories"]
    assert found("claude@") == ["claude:c", "claude:memories"]
    assert len(found("claude")) == 4
    facets = search(archive, "bread").facets["source"]
    assert [(facet.value, facet.count) for facet in facets] == [("claude", 4), ("claude@work", 2)]
    counts = {row.value: row.conversations for row in statistics.count_by(archive, "account")}
    assert counts == {"claude": 2, "claude@work": 2}


def test_whose_an_export_is_is_said_by_a_person_by_itself_or_by_its_folder(session: Session, tmp_path: Path) -> None:
    cases = {
        "by its folder": (export(tmp_path / "work" / "a.zip", "1"), "", "work"),
        "by itself": (export(tmp_path / "work" / "b.zip", "2", address="Me@Home.org"), "", "home"),
        "by a person": (export(tmp_path / "work" / "c.zip", "3", address="me@home.org"), "claude", ""),
        "by nobody": (export(tmp_path / "d.zip", "4", address="me@nowhere.org"), "", ""),
    }
    for how, (path, named, account) in cases.items():
        report = import_exports(session, [path], account=named)
        assert (report.files[0].account, report.errors) == (account, []), how


def test_what_is_no_account_or_one_of_another_assistant_is_refused(session: Session, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no account 'wrok'") as refused:
        import_exports(session, [export(tmp_path / "a.zip")], account="wrok")
    assert "There are: work, home, claude." in str(refused.value.hint)
    (tmp_path / "other.toml").write_text('[accounts.codex]\n[accounts."a@b"]\n')
    with pytest.raises(Refused, match="accounts"):
        load({"COMMONPLACE_CONFIG": str(tmp_path / "other.toml")}, folder=tmp_path)


def test_an_account_of_another_assistant_takes_nothing(session: Session, tmp_path: Path) -> None:
    (tmp_path / "commonplace.toml").write_text('[accounts.mine]\nsource = "chatgpt"\n')
    other = Session(*load({"COMMONPLACE_HOME": str(tmp_path)}, folder=tmp_path), session.archive)
    report = import_exports(other, [export(tmp_path / "a.zip")], account="mine")
    assert (report.new, report.failed) == (0, 1)
    assert "one of ChatGPT, and 'a.zip' is of Claude" in report.errors[0]
