"""What a model costs, so that a run can say its price before and after it is paid.

Prices are US dollars per million tokens, as the model pages gave them in November 2026. A model that is not here has no
price: a run with a cost limit then refuses to start until it is told one, rather than spend unseen.
"""

from __future__ import annotations

import msgspec

from commonplace.config import Settings
from commonplace.errors import Refused
from commonplace.model import Usage

MILLION = 1_000_000
BATCH_DISCOUNT = 0.5
SEARCH_PRICE = 0.0025
"""US dollars of one search in a vector store, as of March 2026."""
_STORING_PRICE = 0.10
"""US dollars for a gigabyte in vector stores and a day. The account's first is free, which is not reckoned with."""
TAKES = 4
"""Bytes in a store for a byte of a file, at most: its pieces overlap by half, and each has its vector."""


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """US dollars per million tokens. `cached` is a read from the prompt cache, `cache_write` a write to it."""

    input: float
    output: float
    cached: float | None = None
    cache_write: float | None = None

    def discounted(self, factor: float = BATCH_DISCOUNT) -> Price:
        """The same model through the Batch API."""

        def cut(value: float | None) -> float | None:
            return None if value is None else value * factor

        return Price(
            input=self.input * factor,
            output=self.output * factor,
            cached=cut(self.cached),
            cache_write=cut(self.cache_write),
        )

    def of(self, counted: Counted) -> float:
        """Dollars. Cached and written tokens are part of the input tokens, each at its own price."""
        plain = max(0, counted.input - counted.cached - counted.written)
        cached = self.input if self.cached is None else self.cached
        written = self.input if self.cache_write is None else self.cache_write
        return (
            plain * self.input + counted.cached * cached + counted.written * written + counted.output * self.output
        ) / MILLION


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of one request, as the service counted them."""

    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output

    def usage(self, price: Price | None) -> Usage:
        return Usage(
            input_tokens=self.input,
            cached_tokens=self.cached,
            output_tokens=self.output,
            cost_usd=price.of(self) if price else 0.0,
        )


FREE = Price(input=0.0, output=0.0)

PRICES = {
    "gpt-6-luna": Price(input=0.10, cached=0.01, cache_write=0.125, output=0.50),
    "gpt-5.6-luna": Price(input=0.20, cached=0.02, cache_write=0.25, output=1.20),
    "text-embedding-3-small": Price(input=0.02, output=0.0),
    "text-embedding-3-large": Price(input=0.13, output=0.0),
}


def price_of(model: str) -> Price | None:
    """The price of a model or of a dated snapshot of it (`gpt-6-luna-2026-09-10`); None if it is not known."""
    if model in PRICES:
        return PRICES[model]
    name, _, date = model.partition("-20")
    return PRICES.get(name) if date and date.replace("-", "").isdigit() else None


def price_to_reckon_with(model: str, settings: Settings, *, is_own: bool = False) -> Price | None:
    """What a model costs: as the settings say, or as is known. Unknown at a server of one's own: nothing."""
    told = settings.prices.get(model)
    if told is not None:
        return Price(input=told.input, output=told.output, cached=told.cached)
    return price_of(model) or (FREE if is_own else None)


def unknown_price(model: str, section: str) -> str:
    """Why a model is not asked whose price nobody knows."""
    told = f"""Tell it under [prices."{model}"], or choose another model."""
    return f"The price of {model!r} is not known, so {section} max_cost cannot be kept. {told}"


def price_of_storing(size: int, days: int) -> float:
    """US dollars that so many bytes in a vector store cost."""
    return size / (1 << 30) * _STORING_PRICE * days


def price_within(model: str, price: Price | None, max_cost: float | None) -> Price | None:
    """The price to reckon with: what was given, else what is known. A limit on costs needs one of the two."""
    known = price or price_of(model)
    if known is None and max_cost is not None:
        raise Refused(
            f"The price of the model {model!r} is not known, so a cost limit of {max_cost:g} USD cannot be kept.",
            hint=f"Use {next(iter(PRICES))}, or tell the price: input and output, in dollars per million tokens, "
            f"""under [prices."{model}"] in commonplace.toml.""",
        )
    return known


def shares(usage: Usage, weights: list[int]) -> list[Usage]:
    """Split what one request consumed among its conversations, so that the parts add up to the whole exactly."""
    whole = sum(weights) or len(weights)
    parts: list[Usage] = []
    before, running = (0, 0, 0), 0
    for weight in weights:
        running += weight if sum(weights) else 1
        upto = (
            usage.input_tokens * running // whole,
            usage.cached_tokens * running // whole,
            usage.output_tokens * running // whole,
        )
        part = tuple(now - then for now, then in zip(upto, before, strict=True))
        share = (weight if sum(weights) else 1) / whole
        parts.append(
            Usage(input_tokens=part[0], cached_tokens=part[1], output_tokens=part[2], cost_usd=usage.cost_usd * share)
        )
        before = upto
    return parts
