"""Names from a namer that costs something: asked once, within the budget, and never against a person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import update

from commonplace.archive.core import Archive
from commonplace.archive.projects import registry
from commonplace.archive.schema import projects as project_table
from commonplace.config import Environment, PriceSettings, ProjectSettings, Settings
from commonplace.openai.pricing import FREE
from commonplace.projects import naming_questions as questions
from commonplace.projects.known_names import names_path
from commonplace.stages.forgetting import forget
from commonplace.stages.mapping import naming, project_names, projects
from commonplace.stages.mapping.naming import Naming, open_naming
from commonplace.stages.mapping.sure import assign_sure
from commonplace.stages.mapping.using import Assigning
from tests.archive.builders import simple_chat
from tests.projects.naming_server import NamingServer, named
from tests.stages.mapping.assigning import map_projects
from tests.stages.mapping.test_stage import import_all

REFS = ("g-p-aaaa1111", "g-p-bbbb2222")


@pytest.fixture
def server() -> Iterator[NamingServer]:
    with NamingServer() as running:
        yield running


@pytest.fixture
def mapped(sqlite_archive: Archive) -> Archive:
    """Two projects that are known by their ids."""
    titles = ("Roses", "Ingress")
    import_all(
        sqlite_archive,
        [
            simple_chat(ref, f"about {ref}", title=title, project_ref=ref)
            for ref, title in zip(REFS, titles, strict=True)
        ],
    )
    assign_sure(sqlite_archive, ProjectSettings())
    return sqlite_archive


def settings_of(home: Path, **wanted: object) -> Settings:
    chosen = ProjectSettings(**{"namer": "openai", **wanted})  # type: ignore[arg-type]
    return Settings(home=home, database_url="", files="", projects=chosen)


def environment_of(server: NamingServer | None, key: str = "sk-test") -> Environment:
    address = {"OPENAI_BASE_URL": server.url} if server else {}
    return Environment({**address, **({"OPENAI_API_KEY": key} if key else {})})


def names_of(archive: Archive) -> dict[str, str]:
    return {one["name"]: one["name_source"] for one in projects.list_projects(archive)}


def unname(archive: Archive) -> None:
    """As an archive that was restored without its names."""
    with archive.write() as connection:
        connection.execute(update(project_table).values(name_source="id"))


def add_a_batch_of_projects(archive: Archive) -> None:
    """As many as are asked about at once, beside those that are there."""
    many = [simple_chat(f"c{n}", "x", title=f"Title {n}", project_ref=f"g-p-{n:08d}") for n in range(naming.AT_ONCE)]
    import_all(archive, many)
    assign_sure(archive, ProjectSettings())


@pytest.mark.parametrize("namer", ["openai", "compatible"])
def test_projects_get_proposed_names_once(mapped: Archive, server: NamingServer, tmp_path: Path, namer: str) -> None:
    for _ in range(2):
        with open_naming(settings_of(tmp_path, namer=namer), environment_of(server)) as using:
            map_projects(mapped, ProjectSettings(), naming=using)
    assert names_of(mapped) == {"All of Roses": "inferred", "All of Ingress": "inferred"}
    assert len(server.asked) == 1
    assert server.asked[0]["model"] == "gpt-6-luna"


def test_an_answer_is_not_bought_again_while_the_titles_are_the_same(
    mapped: Archive, server: NamingServer, tmp_path: Path
) -> None:
    with open_naming(settings_of(tmp_path), environment_of(server)) as using:
        first = project_names.infer(Assigning(archive=mapped, naming=using))
    assert first.usage.input_tokens == 1000
    assert first.usage.cost_usd > 0
    unname(mapped)
    with open_naming(settings_of(tmp_path), environment_of(server)) as using:
        again = project_names.infer(Assigning(archive=mapped, naming=using))
        assert (again.named, again.usage.cost_usd, len(server.asked)) == ([], 0.0, 1)
        assert set(names_of(mapped)) == {"All of Roses", "All of Ingress"}
        import_all(mapped, [simple_chat("new", "x", title="Tulips", project_ref=REFS[0], updated=500)])
        assign_sure(mapped, ProjectSettings())
        projects.infer_names(mapped, using=using, every=True)
        assert [asked["input"].count("Project ") for asked in server.asked] == [2, 1]
        projects.infer_names(mapped, [REFS[1]], using=using, again=True)
        assert len(server.asked) == 3
    assert set(names_of(mapped)) == {"All of Tulips", "All of Ingress"}


def test_a_persons_name_stays_and_is_not_asked_about(mapped: Archive, server: NamingServer, tmp_path: Path) -> None:
    projects.rename(mapped, REFS[0], "My roses")
    with open_naming(settings_of(tmp_path), environment_of(server)) as using:
        projects.infer_names(mapped, using=using, every=True, again=True)
    assert names_of(mapped) == {"My roses": "person", "All of Ingress": "inferred"}
    assert "Roses" not in server.asked[0]["input"]


def test_what_the_namer_leaves_out_gets_a_name_from_its_titles(
    mapped: Archive, server: NamingServer, tmp_path: Path
) -> None:
    server.answers = [named()]
    with open_naming(settings_of(tmp_path), environment_of(server)) as using:
        assert len(project_names.infer(Assigning(archive=mapped, naming=using)).named) == 2
        assert set(names_of(mapped)) == {"Roses", "Ingress"}
        assert naming.plan(using, project_names.unnamed(mapped, list(registry.names(mapped)))).batches == []


def test_an_answer_that_cannot_be_read_is_asked_for_again(
    mapped: Archive, server: NamingServer, tmp_path: Path
) -> None:
    add_a_batch_of_projects(mapped)
    server.answers = [(200, "no names today")]
    with open_naming(settings_of(tmp_path), environment_of(server)) as using:
        first = project_names.infer(Assigning(archive=mapped, naming=using))
        assert (len(first.named), len(first.problems)) == (2, 1)
        assert list(names_of(mapped).values()).count("id") == naming.AT_ONCE
        again = project_names.infer(Assigning(archive=mapped, naming=using))
    assert (len(again.named), again.problems) == (naming.AT_ONCE, [])


def test_forgetting_a_conversation_forgets_what_was_said_of_its_project(
    mapped: Archive, server: NamingServer, tmp_path: Path
) -> None:
    with open_naming(settings_of(tmp_path), environment_of(server)) as using:
        waiting = project_names.unnamed(mapped)
        project_names.infer(Assigning(archive=mapped, naming=using))
        gone = registry.refs(mapped)[REFS[0]]
        (title,) = next(one.titles for one in waiting if one.project_id == gone)
        assert f"All of {title}".encode() in names_path(tmp_path).read_bytes()
        forget(mapped, tmp_path, ids=[f"chatgpt:{REFS[0]}"])
        assert using.known
        assert gone not in using.known.find(waiting, using.namer.key)
        assert len(using.known.find(waiting, using.namer.key)) == 1
    assert f"All of {title}".encode() not in names_path(tmp_path).read_bytes()


@pytest.mark.parametrize(
    ("wanted", "key", "said"),
    [
        ({"max_cost": 0.0}, "sk-test", "max_cost"),
        ({"model": "gpt-4-unheard-of"}, "sk-test", "price"),
        ({}, "", "OPENAI_API_KEY"),
        ({"namer": "compatible"}, "sk-test", "OPENAI_BASE_URL"),
    ],
)
def test_what_cannot_be_asked_is_said_and_everything_is_mapped_all_the_same(
    mapped: Archive, tmp_path: Path, wanted: dict[str, object], key: str, said: str
) -> None:
    with open_naming(settings_of(tmp_path, **wanted), environment_of(None, key)) as using:
        report = map_projects(mapped, ProjectSettings(), naming=using)
    assert (report.assigned["id"], report.named) == (2, 0)
    (problem,) = report.errors
    assert said in problem
    assert set(names_of(mapped).values()) == {"id"}


def test_a_refusal_ends_the_asking_but_keeps_what_was_answered(
    mapped: Archive, server: NamingServer, tmp_path: Path
) -> None:
    add_a_batch_of_projects(mapped)
    with open_naming(settings_of(tmp_path), environment_of(server)) as using:
        waiting = project_names.unnamed(mapped)
        assert [len(batch) for batch in naming.plan(using, waiting).batches] == [naming.AT_ONCE, 2]
        server.answers = [server.answer({"input": questions.question(waiting[: naming.AT_ONCE])})]
        server.answers.append((401, "invalid_api_key"))
        done = project_names.infer(Assigning(archive=mapped, naming=using))
    assert len(done.named) == naming.AT_ONCE
    assert "OPENAI_API_KEY" in done.problems[0]
    assert "Tomatoes" not in done.problems[0]


def test_the_budget_is_shared_out_batch_by_batch(mapped: Archive, tmp_path: Path) -> None:
    with open_naming(settings_of(tmp_path), environment_of(None)) as opened:
        waiting = project_names.unnamed(mapped) * (naming.AT_ONCE + 1)
        price = naming._most_it_costs(opened.price or FREE, waiting[: naming.AT_ONCE])
        using = Naming(namer=opened.namer, known=opened.known, price=opened.price, max_cost=price * 1.5)
        planned = naming.plan(using, waiting)
        assert len(planned.batches) == 1
        after = naming.plan(using, waiting, spent=price)
        free = naming.plan(Naming(namer=opened.namer, known=opened.known, max_cost=price), waiting, spent=price * 2)
    assert planned.stopped is not None
    assert after.batches == []
    assert f"${using.max_cost:.2f}" in str(after.stopped)
    assert free.stopped is None


def test_a_compatible_server_costs_what_the_settings_say(mapped: Archive, server: NamingServer, tmp_path: Path) -> None:
    for model, price in (("home-made", 0.0), ("rented", 2.5)):
        wanted = settings_of(tmp_path, namer="compatible", model=model, max_cost=0.001)
        wanted = msgspec.structs.replace(wanted, prices={"rented": PriceSettings(input=2.5, output=2.5)})
        with open_naming(wanted, environment_of(server)) as using:
            assert using.price
            assert using.price.output == price
            assert (naming.plan(using, project_names.unnamed(mapped)).stopped is None) == (price == 0.0)


def test_a_question_has_one_name_whatever_its_order(mapped: Archive, tmp_path: Path) -> None:
    with open_naming(settings_of(tmp_path), environment_of(None)) as using:
        waiting = project_names.unnamed(mapped)
        assert naming.cache_key(using, waiting) == naming.cache_key(using, waiting[::-1])
        assert naming.cache_key(using, waiting) != naming.cache_key(using, waiting[:1])
        first = naming.cache_key(using, waiting)
    with open_naming(settings_of(tmp_path), environment_of(None)) as using:
        assert naming.cache_key(using, waiting) == first
    with open_naming(settings_of(tmp_path / "other"), environment_of(None)) as using:
        assert naming.cache_key(using, waiting) != first
