"""Mapping: vectors and learning (kept in the archive), then placing. Never cached: the join decides what is left.

Asking a paid namer is cached, by what is asked. Embeddings are not cached a second time: they are kept in the archive
by content and model, so only what is missing there is bought.
"""

from __future__ import annotations

from typing import Any

import msgspec

from commonplace.stages import embedding
from commonplace.stages.mapping import naming, project_names, stage
from commonplace.stages.selection import Selection
from tasks.policy import asking, recording
from tasks.session import session


@recording(name="place by rules")
def place_by_rules(selection: dict[str, Any]) -> dict[str, Any]:
    """Explicit ids, titles and custom GPTs; what they leave is for likeness."""
    with session() as house:
        chosen = msgspec.convert(selection, Selection)
        sure = stage.assign_sure(house.archive, house.settings.projects, chosen)
        return {"left": list(sure.left), "decided": sure.decided, "new_projects": len(sure.new_projects)}


@recording(name="compute vectors", run_name="vectors-{chunk}")
def compute_vectors(chunk: str, ids: list[str]) -> int:
    """What likeness is computed from, for a chunk of conversations."""
    with session() as house:
        return stage.compute(house.archive, ids)


@recording(name="embed", run_name="embed-{chunk}")
def embed(chunk: str, ids: list[str]) -> dict[str, Any]:
    """What a chunk of conversations means, as vectors from the model of the settings."""
    with session() as house, embedding.open_meaning(house.settings, house.environment) as meaning:
        done = embedding.embed(house.archive, meaning, ids) if meaning else embedding.Embedded()
        plain: dict[str, Any] = msgspec.to_builtins(done)
        return plain


@recording(name="learn projects")
def learn_projects() -> dict[str, Any]:
    """One model of all projects, with the threshold that was measured on them."""
    with session() as house:
        learned = stage.learn(house.archive, house.settings.projects)
        plain: dict[str, Any] = msgspec.to_builtins(learned) or {}
        return plain


@recording(name="place by likeness", run_name="place-{chunk}")
def place_by_likeness(chunk: str, ids: list[str]) -> int:
    """Assign, suggest or leave alone a chunk of conversations; how many changed."""
    with session() as house:
        return len(stage.assign_similar(house.archive, house.settings.projects, ids))


def _question(parameters: dict[str, Any]) -> str:
    return str(parameters["question"]).replace("/", "-").replace(":", "-")


@asking(name="propose names", key=_question, run_name="names-{chunk}")
def propose_names(chunk: str, ids: list[str], question: str) -> dict[str, Any]:
    """Have a batch of projects named by the namer of the settings. The names go to a private file; what is returned are
    counts."""
    with session() as house, naming.open_naming(house.settings, house.environment) as using:
        asked = naming.ask(using, project_names.unnamed(house.archive, ids))
        plain: dict[str, Any] = msgspec.to_builtins(asked)
        return plain


@recording(name="name projects")
def name_projects() -> int:
    """Names for projects that are known by an id alone, marked as inferred."""
    with session() as house, naming.open_naming(house.settings, house.environment) as using:
        waiting = project_names.unnamed(house.archive)
        return len(project_names.record_said(house.archive, using, waiting))
