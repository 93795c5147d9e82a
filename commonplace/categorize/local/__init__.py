"""The judge that is always there."""

from commonplace.categorize.local.judge import LocalJudge

__all__ = ["LocalJudge"]
