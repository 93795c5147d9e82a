"""How every task of the house behaves: what is retried, what is cached, and in which form results are kept.

Prefect's defaults would retry anything, cache by the source of a thin wrapper, and pickle results. Here:

- only `Retryable` is tried again, once: the client inside has tried several times and obeyed `Retry-After`;
- a task that computes or buys something is cached under a key that its caller spells out, made of input hashes and
  versions; a task that records something (in the archive, at a destination) is never cached, because the join and
  the ledger decide what is left to do;
- results are JSON, and hold ids, paths and counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext

from commonplace.errors import Retryable

P = ParamSpec("P")
R = TypeVar("R")

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


def recording(*, name: str, run_name: str | None = None) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A task that writes to the archive or to a destination: never cached."""
    return task(
        name=name,
        task_run_name=run_name,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=1,
        retry_delay_seconds=RETRY_DELAY_SECONDS,
        retry_jitter_factor=0.5,
        retry_condition_fn=is_worth_retrying,
    )


def asking(
    *, name: str, key: Callable[[dict[str, Any]], str], run_name: str | None = None
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A task that computes or buys something: cached under `key(parameters)`, across runs and restored archives."""

    def cache_key(_context: TaskRunContext, parameters: dict[str, Any]) -> str:
        return key(parameters)

    return task(
        name=name,
        task_run_name=run_name,
        cache_key_fn=cache_key,
        persist_result=True,
        result_serializer="json",
        retries=1,
        retry_delay_seconds=RETRY_DELAY_SECONDS,
        retry_jitter_factor=0.5,
        retry_condition_fn=is_worth_retrying,
    )
