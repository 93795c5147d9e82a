"""How every task behaves: what is retried, what is cached, and in which form results are kept.

Prefect's defaults would retry anything, cache by the source of a thin wrapper, and pickle results. Here:

- only `Retryable` is tried again, once: the client inside has tried several times and obeyed `Retry-After`;
- a task that computes or buys something is cached under a key that its caller spells out, made of input hashes and
  versions; a task that records something (in the archive, at a destination) is never cached, because the join and
  the ledger decide what is left to do;
- results are JSON, and hold ids, paths and counts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import msgspec
from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext

from commonplace.errors import Retryable

P = ParamSpec("P")
R = TypeVar("R")
Steps = dict[Callable[..., Any], Callable[..., Any]]
"""Which task stands for which step of a stage."""

RETRY_DELAY_SECONDS = 20


async def is_worth_retrying(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether a failed task ended with an error that may go away by itself."""
    try:
        await state.aresult()
    except Retryable:
        return True
    except BaseException:
        return False
    return False


TRIED_AGAIN: dict[str, Any] = {
    "retries": 1,
    "retry_delay_seconds": RETRY_DELAY_SECONDS,
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": is_worth_retrying,
}


def recording(*, name: str, run_name: str | None = None) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A task that writes to the archive or to a destination: never cached."""

    def made(doorway: Callable[P, R]) -> Task[P, R]:
        how = {"cache_policy": NO_CACHE, "persist_result": False, **TRIED_AGAIN}
        return Task(_plain(doorway), name=name, task_run_name=run_name, **how)

    return made


def asking(
    *, name: str, key: Callable[[dict[str, Any]], str | None], run_name: str | None = None
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A task that computes or buys something: cached under `key(parameters)`, across runs and restored archives."""

    def cache_key(_context: TaskRunContext, parameters: dict[str, Any]) -> str | None:
        return key(parameters)

    def made(doorway: Callable[P, R]) -> Task[P, R]:
        how = {"cache_key_fn": cache_key, "persist_result": True, "result_serializer": "json", **TRIED_AGAIN}
        return Task(_plain(doorway), name=name, task_run_name=run_name, **how)

    return made


def question(parameters: dict[str, Any]) -> str | None:
    """The key of a task whose parameter `question` names what it asks; none where it is to be asked `again`."""
    return None if parameters.get("again") else str(parameters["question"]).replace("/", "-").replace(":", "-")


def _plain(doorway: Callable[P, R]) -> Callable[P, R]:
    """What a task returns as JSON has it."""

    @wraps(doorway)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return cast(R, msgspec.to_builtins(doorway(*args, **kwargs)))

    return call
