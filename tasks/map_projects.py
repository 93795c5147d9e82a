"""Mapping: vectors and learning (kept in the archive), then placing. Never cached: the join decides what is left.

Asking a paid namer is cached, by what is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from commonplace.archive.projects.assignments import Change
from commonplace.stages.mapping import project_names, stage
from commonplace.stages.mapping.naming import Asked
from commonplace.stages.mapping.similar import Learned
from commonplace.stages.mapping.sure import Sure
from commonplace.stages.mapping.using import Assigning, open_assigning
from tasks.policy import Steps, asking, question, recording
from tasks.session import session


@contextmanager
def _rules(lease: str) -> Iterator[Assigning]:
    """Without what asks services."""
    with session(lease) as opened:
        yield Assigning(archive=opened.archive, settings=opened.settings.projects)


@contextmanager
def _everything(lease: str) -> Iterator[Assigning]:
    with session(lease) as opened, open_assigning(opened) as using:
        yield using


@recording(name="place by rules")
def place_by_rules(selection: dict[str, Any], lease: str) -> Sure:
    """Explicit ids, titles and custom GPTs; what they leave is for likeness."""
    with _rules(lease) as using:
        return stage.by_rules(using, selection=selection)


@recording(name="compute vectors", run_name="vectors-{chunk}")
def compute_vectors(chunk: str, ids: list[str], lease: str) -> int:
    """What likeness is computed from, for a chunk of conversations."""
    with _rules(lease) as using:
        return stage.compute_chunk(using, ids=ids)


@recording(name="learn projects")
def learn_projects(lease: str) -> Learned | None:
    """One model of all projects, with the threshold that was measured on them."""
    with _rules(lease) as using:
        return stage.learn_projects(using)


@recording(name="place by likeness", run_name="place-{chunk}")
def place_by_likeness(chunk: str, ids: list[str], lease: str) -> list[Change]:
    """Assign, suggest or leave alone a chunk of conversations; what changed."""
    with _rules(lease) as using:
        return stage.by_likeness(using, ids=ids)


@asking(name="propose names", key=question, run_name="names-{chunk}")
def propose_names(chunk: str, ids: list[str], question: str, lease: str) -> Asked:
    """Have a batch of projects named by the namer of the settings. The names go to a private file; what is returned are
    counts."""
    with _everything(lease) as using:
        return project_names.ask_names(using, ids=ids)


@recording(name="name projects", run_name="name-{chunk}")
def name_projects(chunk: str, ids: list[str], lease: str) -> list[str]:
    """Names for projects that are known by an id alone, marked as inferred; which ones got one."""
    with _everything(lease) as using:
        return project_names.record_names(using, ids=ids)


STEPS: Steps = {
    stage.by_rules: place_by_rules,
    stage.compute_chunk: compute_vectors,
    stage.learn_projects: learn_projects,
    stage.by_likeness: place_by_likeness,
    project_names.ask_names: propose_names,
    project_names.record_names: name_projects,
}
