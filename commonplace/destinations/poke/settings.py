"""What a person can set about Poke, with a word on each."""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from commonplace.bounds import AtLeastOne, Natural, Seconds, SecondsOrNone, Share
from commonplace.destinations.contract import Change
from commonplace.outgoing import Reach

RENDERER_VERSION = "p1"
POKE = "https://poke.com/api/v1"
"""Offered by `connect poke`, and never sent to without somebody's agreement."""
MESSAGE_PATH, TRIGGER_PATH = "/inbound/api-message", "/api-keys/webhook"
SECRETS = ("api_key", "webhook_url", "webhook_token")

Factor = Annotated[float, Meta(ge=1, le=1000)]
Characters = Annotated[int, Meta(ge=100, le=1_000_000)]


class PokeSettings(msgspec.Struct, frozen=True, kw_only=True):
    api_key: str = ""
    """Poke's key: whoever made it receives the messages. Never shown."""
    base_url: str = ""
    """Where Poke's API is. There is no default: nothing is sent before it was set, or agreed to at `connect`."""
    path: str = MESSAGE_PATH
    """Where messages are posted to, below `base_url`."""
    recipient: str = "me"
    """Whose key it is. Another name is another memory of what was sent: name each, where there are several."""
    mode: Literal["digest", "each", "webhook", "raw"] = "digest"
    """One message a run; one for each conversation; the run as JSON to a trigger; each conversation as JSON."""
    webhook_url: str = ""
    """The trigger's address, which `connect` gets from Poke. As secret as a key."""
    webhook_token: str = ""
    """The trigger's token."""
    condition: str = "Commonplace sends news of conversations."
    """When the trigger fires, in words for Poke."""
    action: str = "Tell me briefly what is new."
    """What Poke does then."""
    changes: tuple[Change, ...] = ()
    """What makes a conversation news again: content, verdict, project. Nothing: each is sent once only."""
    include_text: bool = False
    """Whether what was said is sent too, in the modes `each` and `raw`."""
    titles: Natural = 10
    """How many titles a digest names."""
    members: Natural = 0
    """How many conversations a digest is about at most; more make another message. 0: any number."""
    most_messages: AtLeastOne = 20
    """More messages than this, in the modes `each` and `raw`, are sent only with `--yes`."""
    most_characters: Characters = 4000
    """A longer message is cut, and says so."""
    template: str = ""
    """A Jinja template of the message, instead of ours."""
    fields: dict[str, str] = {}
    """For `raw`: the names that the JSON has, and which of ours each holds. Empty: all of ours."""
    timeout_seconds: Seconds = 30.0
    """How long to wait for an answer."""
    max_retries: Natural = 3
    """How often a request is tried again that was turned away or did not leave."""
    backoff: Literal["exponential", "linear", "fixed"] = "exponential"
    """How the pauses between tries grow."""
    initial_backoff_seconds: SecondsOrNone = 1.0
    """The first pause."""
    backoff_multiplier: Factor = 2.0
    """By how much an exponential pause grows."""
    max_backoff_seconds: SecondsOrNone = 60.0
    """The longest pause, also if Poke asks for more: then the rest is for the next run."""
    jitter: Share = 0.1
    """How much a pause may vary."""
    requests_per_minute: AtLeastOne = 60
    """Poke publishes no limit."""
    breaker_failures: AtLeastOne = 5
    """After so many failures in a row nothing is sent for a while."""
    breaker_seconds: Seconds = 60.0
    """For so long; then one request tries whether it works again."""
    gzip: bool = False
    """Whether requests over 1 KB are compressed."""
    allow_loopback: bool = False
    """Whether a server on this machine may stand for Poke: to try things."""
    processes: AtLeastOne = 1
    """How many processes share the requests per minute."""

    def __repr__(self) -> str:
        return f"PokeSettings({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        def shown(name: str) -> Any:
            value = getattr(self, name)
            return "…" if name in SECRETS and value else value

        return [(name, shown(name)) for name in self.__struct_fields__]

    @property
    def reach(self) -> Reach:
        return "loopback" if self.allow_loopback else "public"

    @property
    def is_together(self) -> bool:
        """Whether a run's conversations are sent as one message."""
        return self.mode in ("digest", "webhook")

    @property
    def written_hash(self) -> str:
        """Changes when what is sent would change."""
        written = (self.mode, self.include_text, self.template, sorted(self.fields.items()), self.most_characters)
        return blake2b(f"{RENDERER_VERSION} {written!r}".encode(), digest_size=8).hexdigest()
