"""Mapping: sure rules, then likeness; incremental, and never against a person."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from sqlalchemy import delete, select

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.projects import assignments, registry, vectors
from commonplace.archive.schema import assignments as assignment_table
from commonplace.archive.schema import conversations, messages
from commonplace.archive.schema import features as feature_table
from commonplace.config import ProjectSettings
from commonplace.model import Conversation
from commonplace.projects import terms
from commonplace.projects.contract import Proposal, Unnamed
from commonplace.stages.mapping import preview, project_names, projects, similar
from commonplace.stages.mapping import sure as map_sure
from commonplace.stages.mapping.naming import Naming
from commonplace.stages.mapping.report import MapReport, describe
from commonplace.stages.mapping.using import Assigning
from commonplace.stages.selection import Selection
from tests.archive.builders import chat, message, simple_chat
from tests.stages.mapping.assigning import map_projects

GARDEN, CLUSTER, MUSIC = "g-p-aaaa1111", "g-p-bbbb2222", "g-p-cccc3333"
WORDS = {
    GARDEN: "tomato basil garden soil compost seedlings watering beds mulch harvest",
    CLUSTER: "kubernetes deployment pods helm ingress cluster node yaml rollout registry",
    MUSIC: "sonata violin intonation scales vibrato concerto strings practice etude bow",
}
OTHERS = "paris tax car invoice soup weather movie shoes visa train dog phone lamp rent bread"
DAY = 86_400_000_000
SETTINGS = ProjectSettings()


def world(count: int = 150, *, seed: int = 1) -> tuple[list[Conversation], dict[str, str]]:
    """Conversations of three projects, some of which have lost their id, and of none; and which those are."""
    draw = random.Random(seed)
    chats, lost = [], {}
    for number in range(count):
        ref = draw.choice([*WORDS, None, None])
        words = (WORDS[ref] if ref else OTHERS).split()
        texts = [" ".join(draw.choices(words, k=25)) for _ in range(2)]
        is_lost = ref is not None and draw.random() < 0.4
        one = simple_chat(
            f"{number:04d}",
            *texts,
            title=" ".join(draw.sample(words, 3)),
            updated=1_700_000_000_000_000 + number * DAY,
            project_ref=None if is_lost else ref,
        )
        chats.append(one)
        if is_lost and ref:
            lost[one.id] = ref
    return chats, lost


def import_all(archive: Archive, chats: Sequence[Conversation]) -> None:
    for start in range(0, len(chats), 100):
        merge(archive, None, chats[start : start + 100])


def places(archive: Archive) -> dict[str, str | None]:
    with archive.read() as connection:
        return {row.id: row.project_id for row in connection.execute(select(conversations))}


def total(report: MapReport) -> int:
    return sum(report.assigned.values()) + report.suggested + report.orphans + report.undecided


def test_ids_are_followed_and_what_lost_its_id_is_recognised(archive: Archive) -> None:
    chats, lost = world()
    import_all(archive, chats)
    report = map_projects(archive, SETTINGS)
    refs, found = registry.refs(archive), places(archive)
    assert all(found[one.id] == refs[one.project_ref] for one in chats if one.project_ref)
    assert report.assigned["id"] == sum(one.project_ref is not None for one in chats)
    recognised = [id for id, ref in lost.items() if found[id] == refs[ref]]
    assert len(recognised) >= 0.7 * len(lost)
    assert report.assigned["similar"] <= len(recognised) / 0.9
    assert total(report) == report.conversations == report.decided == len(chats)
    assert {change.after for change in report.changed} == set(refs.values())
    assert report.learned
    assert report.learned.projects == 3


def test_a_finished_mapping_does_nothing_and_reads_no_text(archive: Archive) -> None:
    chats, _ = world(60)
    import_all(archive, chats)
    first = map_projects(archive, SETTINGS)
    with archive.write() as connection:
        connection.execute(delete(messages))
    again = map_projects(archive, SETTINGS)
    assert (again.decided, again.changed, again.learned) == (0, [], None)
    assert (again.assigned, again.orphans) == (first.assigned, first.orphans)
    forced = map_projects(archive, SETTINGS, Selection(force=True))
    assert (forced.decided, forced.changed) == (60, [])


def test_corrections_survive_mapping_again_with_force_and_a_new_import(archive: Archive) -> None:
    chats, lost = world()
    import_all(archive, chats)
    map_projects(archive, SETTINGS)
    refs = registry.refs(archive)
    moved, freed = [one.id for one in chats if one.project_ref == GARDEN][:2]
    recognised = next(id for id in lost if places(archive)[id])
    projects.assign(archive, refs[MUSIC], [moved])
    projects.unassign(archive, [freed])
    projects.reject(archive, [recognised])
    wrong = refs[lost[recognised]]

    again, _ = world()
    for one in again:
        one.title, one.updated_at = f"{one.title} again", (one.updated_at or 0) + 1
    import_all(archive, again)
    for selection in (Selection(), Selection(force=True)):
        map_projects(archive, SETTINGS, selection)
        found = places(archive)
        assert (found[moved], found[freed]) == (refs[MUSIC], None)
        assert found[recognised] != wrong


def test_only_what_changed_is_decided_again(archive: Archive) -> None:
    chats, _ = world(60)
    import_all(archive, chats)
    map_projects(archive, SETTINGS)
    known = next(one for one in world(60)[0] if one.project_ref)
    known.title, known.updated_at = "new title", (known.updated_at or 0) + 1
    import_all(archive, [known])
    assert map_projects(archive, SETTINGS).decided == 1


def test_orphans_are_asked_about_again_when_there_is_more_to_compare_with(archive: Archive) -> None:
    orphans = [simple_chat(f"o{n}", f"{WORDS[GARDEN]} {n}", title="soil", updated=n) for n in range(3)]
    import_all(archive, orphans)
    assert map_projects(archive, SETTINGS).orphans == 3
    assert map_projects(archive, SETTINGS).decided == 0
    import_all(archive, [simple_chat("known", WORDS[GARDEN], project_ref=GARDEN)])
    assert map_projects(archive, SETTINGS).decided == 4


def test_titles_and_custom_gpts_name_projects(archive: Archive) -> None:
    import_all(
        archive,
        [
            simple_chat("t1", "x", title="[Taxes] my return"),
            simple_chat("t2", "x", title="[taxes] again"),
            simple_chat("g1", "x", gpt_ref="g-chef"),
            simple_chat("g2", "x", extra={"message_gizmo_ids": ["g-chef"]}),
            simple_chat("g3", "x", gpt_ref="g-unknown"),
            simple_chat("m1", "x", extra={"message_gizmo_ids": ["g-chef", GARDEN]}),
        ],
    )
    report = map_projects(archive, ProjectSettings(gpts={"g-chef": "Kitchen"}))
    assert report.assigned == {"person": 0, "id": 1, "title": 2, "gpt": 2, "similar": 0, "source": 0}
    named = {one["name"]: one["conversations"] for one in projects.list_projects(archive)}
    assert named == {"Taxes": 2, "Kitchen": 2, "Project aaaa1111": 1}


def test_a_renamed_project_is_still_what_titles_mean(archive: Archive) -> None:
    import_all(archive, [simple_chat(f"t{n}", "x", title=f"[Taxes] {n}") for n in range(2)])
    map_projects(archive, SETTINGS)
    projects.rename(archive, "taxes", "Money")
    import_all(archive, [simple_chat("t2", "x", title="[Taxes] two")])
    map_projects(archive, SETTINGS)
    assert [(one["name"], one["conversations"]) for one in projects.list_projects(archive)] == [("Money", 3)]


def test_a_name_in_one_title_is_suggested_and_a_second_one_makes_it_a_project(archive: Archive) -> None:
    import_all(archive, [simple_chat("t1", "x", title="[Taxes] one")])
    report = map_projects(archive, SETTINGS)
    assert (report.assigned["title"], report.suggested) == (0, 1)
    assert map_projects(archive, SETTINGS).decided == 0
    import_all(archive, [simple_chat("t2", "x", title="[taxes] two")])
    report = map_projects(archive, SETTINGS)
    assert (report.assigned["title"], report.suggested) == (2, 0)
    listed = projects.list_projects(archive)
    assert [(one["name"], one["name_source"], one["conversations"]) for one in listed] == [("Taxes", "title", 2)]


def test_a_name_in_one_title_is_sure_once_a_person_has_such_a_project(archive: Archive) -> None:
    import_all(archive, [simple_chat("t1", "x", title="[Taxes] one")])
    map_projects(archive, SETTINGS)
    projects.accept(archive, ["t1"])
    import_all(archive, [simple_chat("t2", "x", title="[taxes] two")])
    assert map_projects(archive, SETTINGS).assigned["title"] == 1


@pytest.mark.parametrize("mark", ["URGENT", "WIP", "2024-05-01", "1/3", "Part 2", "May 2024", "v2.1", "done!", "重要"])
def test_dates_numbers_and_states_in_brackets_are_no_projects(sqlite_archive: Archive, mark: str) -> None:
    import_all(sqlite_archive, [simple_chat(f"t{n}", "x", title=f"[{mark}] {n}") for n in range(3)])
    report = map_projects(sqlite_archive, SETTINGS)
    assert (report.orphans, report.suggested) == (3, 0)
    assert registry.load(sqlite_archive) == []


def test_patterns_that_a_person_set_are_taken_at_their_word(sqlite_archive: Archive) -> None:
    import_all(sqlite_archive, [simple_chat("t1", "x", title="2024: one")])
    settings = ProjectSettings(title_patterns=(r"^(?P<project>\w+): ",))
    assert map_projects(sqlite_archive, settings).assigned["title"] == 1
    assert [one["name_source"] for one in projects.list_projects(sqlite_archive)] == ["person"]


def test_a_preview_says_what_will_be_done_and_does_none_of_it(archive: Archive) -> None:
    chats, _ = world(80)
    import_all(archive, [*chats, *(simple_chat(f"t{n}", "x", title="[Taxes] one") for n in range(2))])
    shown = preview.preview(archive, SETTINGS)
    assert registry.load(archive) == []
    assert set(places(archive).values()) == {None}
    assert assignments.tally(archive) == {"undecided": 82}
    done = map_projects(archive, SETTINGS)
    assert shown.report.assigned == done.assigned
    assert {change.conversation_id: change.after for change in shown.report.changed} == {
        change.conversation_id: change.after for change in done.changed
    }
    frame = shown.frame()
    assert frame.height == 82
    assert "Taxes" in frame["project"].to_list()
    after = preview.preview(archive, SETTINGS).report
    assert (after.decided, after.dry_run) == (0, True)


def test_a_selection_bounds_what_is_decided(sqlite_archive: Archive) -> None:
    chats, _ = world(60)
    import_all(sqlite_archive, chats)
    report = map_projects(sqlite_archive, SETTINGS, Selection(limit=10))
    assert (report.decided, report.undecided) == (10, 50)
    middle = chats[40].updated_at
    report = map_projects(sqlite_archive, SETTINGS, Selection(since=middle))
    assert (report.conversations, report.undecided) == (20, 0)


def test_without_similarity_nothing_is_read_or_learned(sqlite_archive: Archive) -> None:
    chats, _ = world(40)
    import_all(sqlite_archive, chats)
    report = map_projects(sqlite_archive, ProjectSettings(similarity=False))
    assert report.assigned["similar"] == report.suggested == 0
    assert report.learned is None
    with sqlite_archive.read() as connection:
        assert connection.execute(select(feature_table)).first() is None


def test_the_steps_of_a_flow_do_what_the_whole_stage_does(sqlite_archive: Archive) -> None:
    chats, _ = world()
    import_all(sqlite_archive, chats)
    sure = map_sure.assign_sure(sqlite_archive, SETTINGS)
    waiting = similar.needing_vectors(sqlite_archive, sure.left)
    assert similar.compute(sqlite_archive, waiting[::2]) + similar.compute(sqlite_archive, waiting[1::2]) == len(
        waiting
    )
    assert similar.needing_vectors(sqlite_archive, sure.left) == []
    promise = similar.learn(sqlite_archive, SETTINGS)
    assert similar.learn(sqlite_archive, SETTINGS) == promise
    for chunk in (sure.left[::2], sure.left[1::2]):
        similar.assign_similar(sqlite_archive, SETTINGS, chunk)
        assert similar.assign_similar(sqlite_archive, SETTINGS, chunk) == []
    assert len(project_names.infer(Assigning(archive=sqlite_archive)).named) == 3
    assert describe(sqlite_archive).assigned["similar"] > 0
    assert map_sure.assign_sure(sqlite_archive, SETTINGS) == map_sure.Sure()


class Christening:
    """A namer that calls every project the same, and remembers what it was told."""

    key = "test"

    def __init__(self) -> None:
        self.asked: list[Unnamed] = []

    def propose(self, batch: Sequence[Unnamed]) -> list[Proposal]:
        self.asked += batch
        return [Proposal(project_id=one.project_id, name="Same", description="A line.") for one in batch]


def test_a_namer_is_asked_about_nameless_projects_once_and_equal_names_are_told_apart(sqlite_archive: Archive) -> None:
    chats, _ = world(60)
    import_all(sqlite_archive, chats)
    namer = Christening()
    assert map_projects(sqlite_archive, SETTINGS, naming=Naming(namer=namer)).named == 3
    assert sorted(one["name"] for one in projects.list_projects(sqlite_archive)) == ["Same", "Same (2)", "Same (3)"]
    assert {one["name_source"] for one in projects.list_projects(sqlite_archive)} == {"inferred"}
    map_projects(sqlite_archive, SETTINGS, naming=Naming(namer=namer))
    assert len(namer.asked) == 3


def test_features_are_made_from_what_people_see(archive: Archive) -> None:
    said = chat(
        "c",
        [
            message("1", "garden"),
            message("2", "cellar", role="assistant"),
            message("3", "secret", role="system", hidden=True),
            message("4", "tooling", role="tool"),
        ],
        title="Balcony",
    )
    import_all(archive, [said])
    (text,) = vectors.texts(archive, [said.id], longest=4)
    assert (text.title, text.passages) == ("Balcony", ["gard", "cell"])
    similar.compute(archive, [said.id])
    assert vectors.missing(archive, terms.KIND, [said.id, "chatgpt:gone"]) == []
    (row,) = vectors.described(archive, terms.KIND, [said.id])
    assert len(terms.decode(row.vector)[0]) == len(terms.count("Balcony", ["garden", "cellar"]))


def test_no_query_of_a_mapping_crosses_owners(sqlite_archive: Archive) -> None:
    chats, _ = world(60)
    import_all(sqlite_archive, chats)
    other = sqlite_archive.of("someone else")
    import_all(other, [simple_chat(f"000{n}", WORDS[GARDEN], title="[Taxes] theirs") for n in range(2)])
    map_projects(sqlite_archive, SETTINGS)
    report = map_projects(other, SETTINGS)
    assert (report.conversations, report.assigned["title"]) == (2, 2)
    assert [one.name for one in registry.load(other)] == ["Taxes"]
    with sqlite_archive.read() as connection:
        owners = connection.execute(select(assignment_table.c.owner).distinct()).scalars().all()
    assert sorted(owners) == ["me", "someone else"]


@pytest.mark.parametrize("said", ['{"message_gizmo_ids": 3}', '{"message_gizmo_ids": [1, null]}'])
def test_odd_evidence_is_no_evidence(said: str) -> None:
    assert map_sure._message_refs(said) == ()


def test_a_model_of_other_rules_is_not_used(sqlite_archive: Archive) -> None:
    chats, _ = world(60)
    import_all(sqlite_archive, chats)
    map_projects(sqlite_archive, SETTINGS)
    assert similar.ready(sqlite_archive, SETTINGS).model is not None
    assert similar.ready(sqlite_archive, ProjectSettings(precision=0.95)).model is None
