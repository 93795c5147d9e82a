"""Which embedders there are, by the name that `[meaning] model` gives them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from commonplace.config import Environment, Settings
from commonplace.meaning.contract import Embedder


def open_embedder(
    model: str, settings: Settings, environment: Environment, *, check: Callable[[], None] = lambda: None
) -> Embedder:
    """An embedder by its name; any other name is that of a model at OpenAI, or at the server of OPENAI_BASE_URL.

    Nothing is loaded and nobody is asked yet. `check` is called before each request, and may object to it.
    """
    local = LOCAL.get(model)
    return local() if local else _openai(model, settings, environment, check)


def free_embedder() -> Embedder:
    """The one that every installation has. `Halt` where its files are missing or are not what they should be."""
    from commonplace.meaning.use import weights

    for file in (weights.PIECES, weights.WEIGHTS):
        file.checked(weights.PACKAGE.folder())
    return _use()


def free_embedder_of_its_own() -> Embedder:
    """One that nobody else in this process has: its weights go with it."""
    free_embedder()
    return _use.__wrapped__()


def model_of(kind: str) -> str:
    """The name by which the embedder of a kind of vectors is opened."""
    provider, rest = kind.split(":", 1)
    return provider if provider in LOCAL else rest.rsplit(":", 2)[0].partition("@")[0]


@cache
def _use() -> Embedder:
    from commonplace.meaning.use.embedder import UseEmbedder

    return UseEmbedder()


def _openai(model: str, settings: Settings, environment: Environment, check: Callable[[], None]) -> Embedder:
    from commonplace.meaning.openai.embedder import OpenAiEmbedder
    from commonplace.openai.client import Client, account_of
    from commonplace.openai.pricing import price_to_reckon_with

    account = account_of(settings, environment)
    return OpenAiEmbedder(
        Client(account, check=check), model, price_to_reckon_with(model, settings, is_own=bool(account.base_url))
    )


@cache
def _minilm() -> Embedder:
    from commonplace.meaning.minilm.embedder import MiniLmEmbedder

    return MiniLmEmbedder()


LOCAL: dict[str, Callable[[], Embedder]] = {"use": _use, "minilm": _minilm}
"""Those that run on this machine and cost nothing. Each is loaded once in a process, whoever asks for it."""
