"""What the judge `local` says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonplace.categorize.kind import Kind, Surroundings

if TYPE_CHECKING:
    from commonplace.categorize.local.judge import LocalJudge


def _open(around: Surroundings) -> LocalJudge:
    from commonplace.categorize.local.judge import LocalJudge

    folder = around.settings.home / "models"
    return LocalJudge(folder, lessons=around.learned(), analysis=around.wanted.analysis)


KIND = Kind(about="A small model on this machine: no key, no network, no cost.", open=_open, learns=True)
