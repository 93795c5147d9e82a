"""The rules that are sure of themselves: explicit ids, title conventions, custom GPTs. Frames in, frames out.

They are asked in this order and the first that knows a project wins; what a person said was taken out before. Which
project a ref means is the registry's business; here it is a join.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from commonplace.bounds import expressions
from commonplace.config import ProjectSettings

if TYPE_CHECKING:
    import polars as pl

VERSION = "2"
SCHEMA = ("conversation_id", "content_hash", "rule", "project_id", "confidence", "ref", "said_by")

_CONFIDENCE = {"field": 1.0, "message": 0.9, "messages": 0.7, "title": 1.0, "gpt": 1.0}


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules see of a conversation. `rejected` are projects that a person ruled out for it."""

    conversation_id: str
    content_hash: str
    title: str | None = None
    project_ref: str | None = None
    gpt_ref: str | None = None
    message_refs: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()


class Clue(msgspec.Struct, frozen=True, kw_only=True):
    """A ref that a conversation names, on which rule's ground, and where it was said."""

    conversation_id: str
    rule: str
    rank: int
    ref: str
    said_by: str


def rules_hash(settings: ProjectSettings) -> str:
    """Changes when a setting, or the meaning of one, would have conversations decided anew."""
    seen = [
        VERSION,
        list(settings.title_patterns),
        sorted(settings.gpts.items()),
        settings.similarity,
        settings.precision,
        settings.suggest_above,
    ]
    return blake2b(msgspec.json.encode(seen), digest_size=8).hexdigest()


def sources_hash(settings: ProjectSettings) -> str:
    """Changes when sources get other projects, which concerns nothing but what is left over."""
    return blake2b(msgspec.json.encode(sorted(settings.sources.items())), digest_size=4).hexdigest()


def title_patterns(settings: ProjectSettings) -> list[re.Pattern[str]]:
    return expressions(settings.title_patterns, group="project", setting="[projects] title_patterns")


def name_in_title(title: str | None, patterns: Iterable[re.Pattern[str]]) -> str | None:
    """The project that a title names by convention."""
    for pattern in patterns:
        match = pattern.search(title) if title else None
        if match and match["project"] and match["project"].strip():
            return " ".join(match["project"].split())
    return None


def clues(conversation: Looked, named: str | None, *, gpts: Mapping[str, str]) -> list[Clue]:
    """Every ref that a conversation names, the better ones with a smaller rank. `named` is the ref of its title.

    Newer exports drop the conversation's own ref, but messages keep theirs. The last of several is where it went.
    """
    found: list[Clue] = []

    def add(rule: str, ref: str, said_by: str) -> None:
        found.append(
            Clue(conversation_id=conversation.conversation_id, rule=rule, rank=len(found), ref=ref, said_by=said_by)
        )

    if conversation.project_ref:
        add("id", conversation.project_ref, "field")
    on_messages = [ref for ref in conversation.message_refs if ref.startswith("g-p-")]
    for ref in reversed(on_messages):
        add("id", ref, "message" if len(on_messages) == 1 else "messages")
    if named:
        add("title", named, "title")
    own = [conversation.gpt_ref] if conversation.gpt_ref else []
    for ref in dict.fromkeys([*own, *(ref for ref in conversation.message_refs if not ref.startswith("g-p-"))]):
        add("gpt", gpts.get(ref, ref), "gpt")
    return found


def decide(conversations: Sequence[Looked], found: Sequence[Clue], refs: Mapping[str, str]) -> pl.DataFrame:
    """One row for each conversation with a clue that means a project not rejected for it: its first such clue."""
    import polars as pl

    text = pl.String
    clue_frame = pl.DataFrame(
        [msgspec.structs.astuple(clue) for clue in found],
        schema={"conversation_id": text, "rule": text, "rank": pl.Int64, "ref": text, "said_by": text},
        orient="row",
    )
    ref_frame = pl.DataFrame(
        {"ref": list(refs), "project_id": list(refs.values())}, schema={"ref": text, "project_id": text}
    )
    rejected = pl.DataFrame(
        [(one.conversation_id, project_id) for one in conversations for project_id in one.rejected],
        schema={"conversation_id": text, "project_id": text},
        orient="row",
    )
    hashes = pl.DataFrame(
        {
            "conversation_id": [c.conversation_id for c in conversations],
            "content_hash": [c.content_hash for c in conversations],
        },
        schema={"conversation_id": text, "content_hash": text},
    )
    return (
        clue_frame.join(ref_frame, on="ref")
        .join(rejected, on=["conversation_id", "project_id"], how="anti")
        .sort("conversation_id", "rank")
        .unique("conversation_id", keep="first", maintain_order=True)
        .join(hashes, on="conversation_id")
        .with_columns(confidence=pl.col("said_by").replace_strict(_CONFIDENCE, return_dtype=pl.Float64))
        .select(SCHEMA)
    )


def evidence(row: Mapping[str, Any]) -> dict[str, Any]:
    """What an assignment by a sure rule rests on, to be stored with it."""
    return {"ref": row["ref"], "said_by": row["said_by"]}
