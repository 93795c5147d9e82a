"""Do with chosen conversations what a person asked for: say something of them, write them into a file, forget them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from prefect import flow

from commonplace.session import Session
from commonplace.stages import forgetting
from commonplace.stages import several as stage
from commonplace.stages.several import Choice
from commonplace.stages.transcripts.forms import form_named
from commonplace.stages.transcripts.writing import write_transcripts
from flows import reports
from flows.forms import Owner, titled
from flows.runner import RUNNER
from flows.running import conclude, named, working_for

Act = Literal["say", "export", "forget", "undo"]


@flow(name="several", flow_run_name=named("several: {act}"), task_runner=RUNNER)
def several(
    chosen: Annotated[str, titled("The choice, by its name")],
    act: Annotated[Act, titled("What to do with it")] = "say",
    owner: Owner = None,
) -> dict[str, Any]:
    """Do with chosen conversations what was asked for on the pages. What they are and what is said of them is with the
    choice, in the home.

    Args:
        chosen: The name of the choice.
        act: Say what was typed of each, write them into a file, forget them, or take back what was said.
        owner: The user whose conversations it is about, by name. None: the owner of the server.
    """
    with working_for(owner) as opened:
        choice = stage.find(opened.settings.home, opened.archive.owner, chosen)
        report = do(opened, choice, act)
        reports.publish("several", {key: value for key, value in report.items() if not isinstance(value, list)}, [])
        return conclude(
            opened, report, name=f"several: {act}, {len(choice.ids)} chosen", handled=len(choice.ids), failed=0
        )


def do(session: Session, choice: Choice, act: Act) -> dict[str, Any]:
    """One act, and its counts."""
    settings, archive = session.settings, session.archive
    home, judging = settings.home, settings.categorize
    match act:
        case "say":
            said = stage.say(home, archive, choice, taxonomy=judging.taxonomy, origin="web")
            others = {"left_as_others_said": said.left} if said.left else {}
            return {"chosen": len(choice.ids), "words": len(said.said)} | others
        case "undo":
            return {"taken_back": stage.undo(home, archive, choice, review_below=judging.review_below)}
        case "export":
            form = form_named(choice.format, settings.zone)
            written = write_transcripts(archive, stage.file_of(home, choice), choice.ids, form)
            return {"written": written.conversations, "left_out": written.left_out}
        case "forget":
            report = forgetting.forget(archive, home, ids=choice.ids)
            there = sum(report.still_at.values())
            left = {"files_of_vectors_left": len(report.vectors_left)} if report.vectors_left else {}
            told = {"forgotten": len(report.conversation_ids), "messages": report.messages, "still_elsewhere": there}
            return told | left
