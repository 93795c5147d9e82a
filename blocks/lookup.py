"""What saved blocks say, where the environment is silent. Of each kind, the block named `default` is asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar, cast

from prefect.blocks.core import Block
from pydantic import SecretStr

from blocks.archive import ArchiveBlock
from blocks.destinations import DESTINATIONS
from blocks.openai import OpenAICredentials
from commonplace.config import Environment

NAME = "default"
B = TypeVar("B", bound=Block)

VARIABLES: dict[str, tuple[type[Block], str]] = {
    "COMMONPLACE_DATABASE_URL": (ArchiveBlock, "url"),
    "COMMONPLACE_FILES": (ArchiveBlock, "location_of_files"),
    "OPENAI_API_KEY": (OpenAICredentials, "api_key"),
    "OPENAI_BASE_URL": (OpenAICredentials, "base_url"),
    **{given.variables[0]: (block, given.setting) for block in DESTINATIONS.values() for given in block.kind.given},
}
"""Which field of which block stands for a variable."""


def saved(kind: type[B], name: str = NAME) -> B | None:
    """The saved block of a kind, or None when nobody saved one."""
    try:
        # Without validation: a block saved by an older version still says what it knows.
        return cast(B, kind.load(name, validate=False))
    except ValueError:
        return None


class BlockEnvironment(Environment):
    """The environment first; what it does not have is looked up in the saved blocks, once."""

    def __init__(self, variables: Mapping[str, str], beside: Path | None = None) -> None:
        super().__init__(variables, beside)
        self._found: dict[str, str | None] = {}

    def read_typed(self, home: Path) -> None:
        """Nothing: it is in the blocks, which a person may have changed since."""

    def get(self, *names: str) -> str | None:
        said, name = super().get(*names), names[0]
        if said or name not in VARIABLES or (name == "COMMONPLACE_FILES" and super().get("COMMONPLACE_DATABASE_URL")):
            return said  # the files of another archive than the one that was named would be the wrong ones
        if name not in self._found:
            self._found[name] = _in_blocks(name)
        return self._found[name]


def _in_blocks(variable: str) -> str | None:
    kind, field = VARIABLES[variable]
    value = getattr(saved(kind), field, None)
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value or "") or None
