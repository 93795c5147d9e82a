"""What saved blocks say, where the environment is silent. Of each kind, the block named `default` is asked."""

from __future__ import annotations

from typing import TypeVar, cast

from prefect.blocks.core import Block
from pydantic import SecretStr

from blocks.archive import ArchiveBlock
from blocks.destinations import DESTINATIONS
from blocks.openai import OpenAICredentials

NAME = "default"
B = TypeVar("B", bound=Block)

VARIABLES: dict[str, tuple[type[Block], str]] = {
    "OPENAI_API_KEY": (OpenAICredentials, "api_key"),
    "OPENAI_BASE_URL": (OpenAICredentials, "base_url"),
} | {given.variables[0]: (block, given.setting) for block in DESTINATIONS.values() for given in block.kind.given}
"""Which field of which block stands for a variable."""


def saved(kind: type[B], name: str = NAME) -> B | None:
    """The saved block of a kind, or None when nobody saved one."""
    try:
        # Without validation: a block saved by an older version still says what it knows.
        return cast(B, kind.load(name, validate=False))
    except ValueError:
        return None


def secret_from_blocks(variable: str) -> str | None:
    """What a block says in place of an environment variable."""
    if variable not in VARIABLES:
        return None
    kind, field = VARIABLES[variable]
    block = saved(kind)
    value = getattr(block, field, None)
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value or "") or None


def archive_location() -> tuple[str, str] | None:
    """The database and files location of a saved archive block."""
    block = saved(ArchiveBlock)
    return (block.url.get_secret_value(), block.files) if block else None
