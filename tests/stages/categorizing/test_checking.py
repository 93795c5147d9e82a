"""Whether a set suits the local judge: what ships like it, what it says of itself, the archive, and what would help."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.verdicts.verdicts import correct
from commonplace.categorize.contract import Category, Taxonomy
from commonplace.categorize.definitions import to_toml
from commonplace.config import Environment, Settings
from commonplace.errors import Refused
from commonplace.session import Session
from commonplace.stages.categorizing.checking import Check, advice, check
from commonplace.stages.embedding import embed_pending
from tests.archive.builders import simple_chat

OTHER = Category(name="Other")
BEER = {
    "Malt": "an amber ale without crystal malt",
    "Yeast": "the yeast is too warm on day three",
    "Cans": "every twentieth can leaks at its seam",
    "Tavern": "the bar was full on Friday",
}


@pytest.fixture
def session(sqlite_archive: Archive, tmp_path: Path) -> Session:
    return Session(Settings(home=tmp_path, database_url="", files=""), Environment({}), sqlite_archive)


def checked(session: Session, *categories: Category) -> Check:
    """Of a file."""
    path = session.settings.home / "mine.toml"
    path.write_text(to_toml(Taxonomy(name="mine", categories=(*categories, OTHER))), encoding="utf-8")
    return check(session, str(path))


def test_a_set_of_which_much_ships_will_do_and_is_tried_on_the_archive(session: Session) -> None:
    said = ("a recipe for lentil soup", "my knee hurts when I run", "the capital of France?", "stir the soup slowly")
    merge(session.archive, None, [simple_chat(str(n), text, "Yes.") for n, text in enumerate(said)])
    embed_pending(session)
    found = check(session, "")
    assert (found.name, found.is_narrow, found.is_too_narrow) == ("everyday", False, False)
    assert found.archive is not None
    assert found.archive.conversations == sum(each.conversations for each in found.categories) == len(said)
    assert min(each.topics for each in found.categories) > 10
    assert advice(found)[0] == "The local judge knows chats like those that everyday is for."
    with session.archive.read() as connection:
        assert connection.exec_driver_sql("select count(*) from verdicts").scalar_one() == 0


def test_what_would_help_a_narrow_set_is_said_by_name_until_it_is_there(session: Session) -> None:
    bare = [Category(name=name) for name in ("Kind 1", "Kind 2")]
    found = checked(session, *bare)
    assert (found.is_too_narrow, found.recognised, found.archive) == (True, None, None)
    told = " ".join(advice(found))
    assert "mine is too narrow for the local judge as it stands" in told
    assert "Give 3 or more examples of what people ask there to: Kind 1, Kind 2." in told
    assert "There are no conversations yet to try it on." in told


def test_categories_that_are_taken_for_each_other_are_named(session: Session) -> None:
    beers = [f"{text}, what now" for text in BEER.values()]
    one, other = (Category(name=name, examples=tuple(beers)) for name in ("Brewing", "Beer making"))
    found = checked(session, one, other, Category(name="Cans", examples=("a can leaks", "cans leak", "leaking cans")))
    assert [(pair.one, pair.other) for pair in found.confused] == [("Beer making", "Brewing")]
    assert "Beer making and Brewing are taken for each other" in " ".join(advice(found))


def test_corrections_count_among_what_tells_categories_apart(session: Session) -> None:
    chats = {f"{name}-{n}": f"{text}, once more {n}" for name, text in BEER.items() for n in range(3)}
    merge(session.archive, None, [simple_chat(id, text, "Yes.") for id, text in chats.items()])
    for id in chats:
        correct(session.archive, f"chatgpt:{id}", "category", id.partition("-")[0], origin="cli", taxonomy="mine")
    found = checked(session, *(Category(name=name) for name in BEER))
    assert [each.corrections for each in found.categories] == [3] * len(BEER)
    assert found.recognised is not None
    assert found.recognised > 0.8
    assert not any("Give 3" in line for line in advice(found))


def test_a_set_that_is_not_there_or_is_no_set_is_refused(session: Session) -> None:
    with pytest.raises(Refused, match="There is no taxonomy"):
        check(session, "none-such")
    broken = session.settings.home / "broken.toml"
    broken.write_text("name = <")
    with pytest.raises(Refused, match="not valid TOML"):
        check(session, str(broken))
