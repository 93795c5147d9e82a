"""A block for every kind of destination, made of what the kind says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec
from prefect.blocks.abstract import CredentialsBlock
from prefect.blocks.core import Block
from pydantic import Field, SecretStr, create_model

from blocks.archive import DOCUMENTATION
from blocks.openai import OpenAICredentials
from commonplace.destinations import registry
from commonplace.destinations.kind import Given, Kind

_EXAMPLE = """{about}

Example:
    See what a saved block holds:
    ```python
    from blocks import {name}

    block = {name}.load("BLOCK_NAME")
    print(block)
    ```
"""


class DestinationBlock(Block):
    """What a destination's kind lets a block give: credentials, an address, a folder."""

    kind: ClassVar[Kind]


class ServiceBlock(DestinationBlock, CredentialsBlock):
    """A destination whose service can be talked to directly."""

    make_client: ClassVar[Callable[[Any], Any]]

    def get_client(self) -> Any:
        """A client of the service, as the destination would make it."""
        values = {name: _shown(getattr(self, name)) for name in type(self).model_fields if getattr(self, name)}
        return type(self).make_client(msgspec.convert(values, self.kind.settings))


def _block_of(kind: Kind) -> type[DestinationBlock]:
    types = {field.name: field for field in msgspec.structs.fields(kind.settings)}
    fields: dict[str, Any] = {given.setting: _field(given, types[given.setting]) for given in kind.given}
    made: type[DestinationBlock] = create_model(
        kind.block,
        __base__=ServiceBlock if kind.client else DestinationBlock,
        __module__="blocks",
        __doc__=_EXAMPLE.format(about=kind.about, name=kind.block),
        **fields,
    )
    made.kind = kind
    if issubclass(made, ServiceBlock) and kind.client:
        made.make_client = kind.client
    made._block_type_name = f"Commonplace {kind.title}"
    made._block_type_slug = f"commonplace-{kind.title.lower().replace(' ', '-')}"
    made._description = kind.about
    made._documentation_url = DOCUMENTATION  # type: ignore[assignment]
    return made


def _field(given: Given, setting: msgspec.structs.FieldInfo) -> tuple[Any, Any]:
    """Required where the setting is; what may be left out is empty in the form."""
    if given.is_secret:
        default = ... if setting.required else SecretStr("")
        return SecretStr, Field(default=default, description=given.about)
    if setting.required:
        return setting.type, Field(..., description=given.about)
    if setting.default is None:
        return str, Field(default="", description=given.about)
    return setting.type, Field(default=setting.default, description=given.about)


def _shown(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


BY_HAND: dict[str, type[CredentialsBlock]] = {"openai": OpenAICredentials}
"""What more than a destination is reached with."""
DESTINATIONS: dict[str, type[DestinationBlock] | type[CredentialsBlock]] = {
    name: BY_HAND.get(name) or _block_of(registry.kind_named(name)) for name in registry.kinds()
}
