"""What the judge `local` says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from commonplace.categorize.kind import Kind, Surroundings

if TYPE_CHECKING:
    from commonplace.categorize.local.judge import LocalJudge


MODELS = "local-*.npz"
"""The files in which this judge keeps what it was taught. They are made again at will."""


def models_path(home: Path) -> Path:
    """Where the models of a home are."""
    return home / "models"


def _open(around: Surroundings) -> LocalJudge:
    from commonplace.categorize.local.judge import LocalJudge

    folder = models_path(around.settings.home)
    return LocalJudge(
        folder,
        learned=around.learned(),
        analysis=around.wanted.analysis,
        recurring=around.recurring(),
        meaning=around.meaning(),
    )


KIND = Kind(about="A small model on this machine: no key, no network, no cost.", open=_open, learns=True)
