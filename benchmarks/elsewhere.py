"""A fake in a process of its own, as a service is: what it works is not taken from who is measured."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.connection import Connection
from typing import Any, TypeVar

Fake = TypeVar("Fake", bound=AbstractContextManager[Any])
Ask = Callable[[Callable[[Any], Any]], Any]


@contextmanager
def elsewhere(kind: type[Fake], **options: Any) -> Iterator[Ask]:
    """What it yields is called with a function of a module, which is given the fake there; its answer comes back."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, kind, options), daemon=True)
    process.start()

    def ask(question: Callable[[Any], Any]) -> Any:
        ours.send(question)
        return ours.recv()

    try:
        yield ask
    finally:
        ours.send(None)
        process.join()


def _serve(pipe: Connection, kind: type[Fake], options: dict[str, Any]) -> None:
    with kind(**options) as fake:
        while (question := pipe.recv()) is not None:
            pipe.send(question(fake))
