"""What is done with a choice: said, taken back, written into a file, forgotten; a run is told of it by a name alone."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import load_filed
from commonplace.errors import Refused
from commonplace.session import Session, open_session
from commonplace.stages import several
from flows.bounds import selection_of
from flows.several.doing import do
from tests.archive.builders import simple_chat

IDS = ("chatgpt:a", "chatgpt:b")


@pytest.fixture
def session() -> Iterator[Session]:
    with open_session() as opened:
        merge(opened.archive, None, [simple_chat("a", "one", title="First"), simple_chat("b", "two", title="Second")])
        yield opened


def test_a_choice_is_said_of_taken_back_and_written_into_a_file(session: Session) -> None:
    home, archive = session.settings.home, session.archive
    chosen = several.choose(home, "me", [*IDS, "chatgpt:gone"])
    several.keep(home, msgspec.structs.replace(chosen, tags=("bread",), project="Kitchen"))
    wanted = several.find(home, "me", chosen.name)
    assert do(session, wanted, "say") == {"chosen": 3, "words": 2}
    assert [(one.tags, one.project_name) for one in load_filed(archive, IDS)] == [(["bread"], "Kitchen")] * 2
    assert do(session, several.find(home, "me", chosen.name), "undo") == {"taken_back": 2}
    assert [(one.tags, one.project_name) for one in load_filed(archive, IDS)] == [([], None)] * 2
    do(session, wanted, "say")
    again = msgspec.structs.replace(several.find(home, "me", chosen.name), tags=("rye",), project="")
    do(session, again, "say")
    assert do(session, several.find(home, "me", chosen.name), "undo") == {"taken_back": 2}  # what was said last alone
    assert [(one.tags, one.project_name) for one in load_filed(archive, IDS)] == [(["bread"], "Kitchen")] * 2
    do(session, wanted, "export")
    assert several.file_of(home, wanted).read_text().count("\n---\n") == 1


def test_forgetting_a_choice_forgets_also_what_was_written_and_kept_of_it(session: Session) -> None:
    home = session.settings.home
    chosen = several.choose(home, "me", IDS)
    assert selection_of(session, chosen=chosen.name).ids == IDS
    do(session, chosen, "export")
    assert do(session, chosen, "forget")["forgotten"] == 2
    assert list((home / several.FOLDER).glob("*")) == []
    with pytest.raises(Refused, match="gone"):
        selection_of(session, chosen=chosen.name)
