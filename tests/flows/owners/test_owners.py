"""Runs for whoever has an account: each works on the archive that is theirs, with what is theirs, beside the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun

from commonplace import runs
from commonplace.archive import leases
from commonplace.archive.access import users
from commonplace.archive.conversations.reading import conversation_ids, list_conversations
from commonplace.errors import Refused
from commonplace.session import open_session
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stages.syncing import destinations
from flows import categorize as categorizing
from flows.import_exports import import_exports
from flows.pipeline import pipeline
from flows.running import RunFailed
from tests.flows.conftest import Apply

pytestmark = pytest.mark.usefixtures("prefect_api")


@pytest.fixture
def ada() -> str:
    with open_session() as session:
        return users.add_user(session.archive, "ada", None).owner


@pytest.fixture
def sample(tmp_path: Path) -> str:
    write_sample(tmp_path / "sample.zip", conversations=12)
    return str(tmp_path / "sample.zip")


def _runs_tagged(tag: str) -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[tag])))


def test_two_people_bring_the_same_export_at_once_and_each_has_all_of_it(ada: str, sample: str) -> None:
    begin = threading.Barrier(2)

    def bring(owner: str | None) -> dict[str, Any]:
        begin.wait()
        return pipeline(paths=[sample], stages=["import", "categorize", "map", "sync"], owner=owner)

    with ThreadPoolExecutor(2) as both:
        begun = [both.submit(copy_context().run, bring, owner) for owner in (None, "ada")]
        mine, hers = (each.result() for each in begun)
    assert mine["import"]["new"] == hers["import"]["new"] == 12
    assert mine["categorize"]["judged"] == hers["categorize"]["judged"] == 12
    assert mine["sync markdown"]["created"] == 12
    assert not [stage for stage in hers if stage.startswith("sync")], "what the server's owner writes to is theirs"
    with open_session() as session:
        home, archive = session.settings.home, session.archive
        assert conversation_ids(archive) == conversation_ids(archive.of(ada))
        assert all(one.category for one in list_conversations(archive.of(ada), limit=20))
        assert leases.running(archive) == []
    assert (home / "people" / ada).is_dir(), "what was answered for her is hers"
    (run,) = (run for run in _runs_tagged("owner:ada") if run.parameters.get("paths") == [sample])
    assert run.parameters["owner"] == "ada"
    assert pipeline(stages=["import", "categorize", "map"], owner="ada")["categorize"]["judged"] == 0


def test_a_name_that_nobody_has_makes_no_owner(sample: str) -> None:
    with pytest.raises(Refused, match="no user 'adda'"):
        import_exports(paths=[sample], owner="adda")
    with open_session() as session:
        assert conversation_ids(session.archive.of("adda")) == []
        assert [user.name for user in users.list_users(session.archive)] == []


def test_nothing_begins_for_somebody_who_was_disabled_meanwhile(
    ada: str, sample: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(session: Any, *about: Any, **wishes: Any) -> dict[str, Any]:
        users.disable(session.archive, ada)
        return {"judged": 0, "review": 0, "failed": 0}

    monkeypatch.setattr(categorizing, "run", judge)
    with pytest.raises(RunFailed, match="The user ada is disabled") as failed:
        pipeline(paths=[sample], stages=["import", "categorize", "map"], owner="ada")
    assert list(failed.value.report) == ["import", "categorize", "errors"]
    with pytest.raises(Refused, match="commonplace users enable ada"):
        pipeline(owner="ada")
    with open_session() as session:
        assert len(conversation_ids(session.archive.of(ada))) == 12
        assert leases.running(session.archive) == []


def test_what_the_owners_keys_pay_for_is_not_for_others(ada: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-machine")
    with pytest.raises(RunFailed, match="no OpenAI key"):
        categorizing.categorize(judge="openai", owner="ada")
    with pytest.raises(Refused, match="at once"):
        categorizing.categorize(judge="openai-batch", owner="ada")


@pytest.fixture
def grace(apply: Apply) -> Iterator[None]:
    """Somebody who follows a destination, in the archive of the server that all of these tests share."""
    with open_session() as session:
        graces = session.archive.of(users.add_user(session.archive, "grace", None).owner)
        destinations.follow(session.settings, graces, "notion", is_on=True)
        yield
        destinations.follow(session.settings, graces, "notion", is_on=False)


@pytest.mark.usefixtures("grace")
def test_runs_are_asked_for_by_everybody_who_may_come_in_and_by_the_nightly_one_for_them(apply: Apply) -> None:
    apply("")
    assert runs.start("sync", {"destination": "notion", "owner": "grace"}).id, "the server's owner has no such place"
    with open_session() as session:
        users.disable(session.archive, users.add_user(session.archive, "eve", None).owner)
    pipeline(stages=["import"], everybody=True)
    (run,) = (run for run in _runs_tagged("owner:grace") if "destination" not in run.parameters)
    assert (run.parameters["owner"], run.parameters["debounce"], run.work_queue_name) == ("grace", True, "due")
    assert _runs_tagged("owner:eve") == []
