"""What a person can set about conversations at OpenAI, with a word on each."""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

import msgspec

from commonplace.bounds import AtLeastOne, Natural, Seconds

RENDERER_VERSION = "o1"


class ConversationSettings(msgspec.Struct, frozen=True, kw_only=True):
    api_key: str = ""
    """The key. Never shown."""
    base_url: str = ""
    """Another server's address. Empty: OpenAI itself."""
    account: str = "default"
    """Whose project at OpenAI it is. Another name is another memory of what is there; a new key of the same is not."""
    asides: bool = False
    """Whether thoughts and tool output are sent too."""
    on_deleted: Literal["recreate", "skip"] = "recreate"
    """What happens when a conversation changes that somebody deleted there."""
    requests_per_minute: Natural = 0
    """0: what a new account may do; at another address, any number."""
    timeout_seconds: Seconds = 60.0
    """How long one answer may take."""
    processes: AtLeastOne = 1
    """How many processes share the requests per minute."""

    def __repr__(self) -> str:
        return f"ConversationSettings(account={self.account!r}, base_url={self.base_url!r})"

    @property
    def written_hash(self) -> str:
        """Changes when what is written would change."""
        return blake2b(f"{RENDERER_VERSION} {self.asides}".encode(), digest_size=8).hexdigest()
