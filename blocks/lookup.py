"""What saved blocks say, where the environment is silent. Of each kind, the block named `default` is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, cast

from prefect.blocks.core import Block
from prefect.variables import Variable
from pydantic import SecretStr

from blocks.archive import ArchiveBlock
from blocks.destinations import DESTINATIONS
from blocks.mail import MailCredentials
from blocks.omi import OmiCredentials
from commonplace.destinations import registry
from commonplace.environment import Environment, Place
from commonplace.errors import Refused

NAME = "default"
SETTINGS = "COMMONPLACE_SETTINGS"
B = TypeVar("B", bound=Block)

VARIABLES: dict[str, tuple[type[Block], str]] = {
    "COMMONPLACE_DATABASE_URL": (ArchiveBlock, "url"),
    "COMMONPLACE_FILES": (ArchiveBlock, "location_of_files"),
    "MAIL_PASSWORD": (MailCredentials, "password"),
    "OMI_API_KEY": (OmiCredentials, "api_key"),
    "OMI_BASE_URL": (OmiCredentials, "base_url"),
    "OMI_RECOVERY_KEY": (OmiCredentials, "recovery_key"),
    **{
        given.variables[0]: (block, given.setting)
        for name, block in DESTINATIONS.items()
        for given in registry.kind_named(name).given
    },
}
"""Which field of which block stands for a variable."""


def saved(kind: type[B], name: str = NAME) -> B | None:
    """The saved block of a kind, or None when nobody saved one."""
    try:
        # Without validation: a block saved by an older version still says what it knows.
        return cast(B, kind.load(name, validate=False))
    except ValueError:
        return None


class _Blocks(Place):
    """What the saved blocks say, each asked once."""

    is_last_resort = True

    def __init__(self) -> None:
        super().__init__("a saved block", dict.fromkeys(VARIABLES, ""))
        self._found: dict[str, str | None] = {}

    def __getitem__(self, variable: str) -> str:
        if variable not in VARIABLES:
            raise KeyError(variable)
        if variable not in self._found:
            self._found[variable] = _in_blocks(variable)
        return self._found[variable] or ""


class _SharedSettings(Place):
    """The text of a settings file, as a Prefect variable keeps it for all who work for one server."""

    is_last_resort = True

    def __init__(self) -> None:
        super().__init__(f"the Prefect variable {SETTINGS.lower()}", {SETTINGS: ""})

    def __getitem__(self, variable: str) -> str:
        if variable != SETTINGS:
            raise KeyError(variable)
        text = Variable.get(SETTINGS.lower(), default="")
        if not isinstance(text, str):
            raise Refused(
                f"The Prefect variable {SETTINGS.lower()} is not text.", hint="Set it to what commonplace.toml says."
            )
        return text


class BlockEnvironment(Environment):
    """The environment first; what it does not have is looked up in the saved blocks, and settings in a variable."""

    def __init__(self, variables: Mapping[str, str], *more: Place) -> None:
        super().__init__(variables, *more, _Blocks(), _SharedSettings())


def _in_blocks(variable: str) -> str | None:
    kind, field = VARIABLES[variable]
    value = getattr(saved(kind), field, None)
    if isinstance(value, SecretStr):
        return value.get_secret_value() or None
    return None if value is None or value is False else str(value) or None
