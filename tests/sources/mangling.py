"""Files as nobody foresaw them: fields are missing, null, of another type, in another order, or nested too deeply."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.fakes.exports import as_json

ODD: tuple[Any, ...] = (None, "", "x", 0, -1, 1e300, True, [], [None], {}, {"x": [1]}, ["\ud800"], 10**30)


def mangled(data: bytes, change: Callable[[Any], Any]) -> bytes:
    """A file with each of its JSON values changed; one that is no JSON with its lines instead."""
    try:
        return as_json(change(json.loads(data)))
    except ValueError:
        pass
    lines = data.split(b"\n")
    try:
        return b"\n".join(as_json(change(json.loads(line))) if line.strip() else line for line in lines)
    except ValueError:
        told = change([line.decode("utf-8", "replace") for line in lines])
        return "\n".join(map(str, told)).encode("utf-8", "replace") if isinstance(told, list) else b""


def shuffled(value: Any, random: Random) -> Any:
    """The same, with the keys of every object in another order."""
    if isinstance(value, dict):
        keys = random.sample(list(value), len(value))
        return {key: shuffled(value[key], random) for key in keys}
    return [shuffled(one, random) for one in value] if isinstance(value, list) else value


def with_less(value: Any, random: Random, odds: float) -> Any:
    """Some fields are missing, and some hold what they never do, or what belongs into another field."""
    inside = [*ODD, *_inside(value)]

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: random.choice(inside) if random.random() < odds else changed(told)
                for key, told in random.sample(list(value.items()), len(value))
                if random.random() >= odds
            }
        if isinstance(value, list):
            return [changed(one) for one in value if random.random() >= odds / 2]
        return value

    return changed(value)


def _inside(value: Any) -> Iterator[Any]:
    told = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in told:
        yield one
        yield from _inside(one)


def deep(levels: int = 50_000) -> str:
    return "[" * levels + "]" * levels
