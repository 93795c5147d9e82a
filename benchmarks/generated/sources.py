"""The generated conversations as other assistants export them, and how the floor of a measurement reads them back."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, NamedTuple

from benchmarks.generated.chats import Writer

Json = dict[str, Any]
Files = dict[str, bytes]
Said = tuple[str, str]
"""Who, and what."""
_HALF_AN_HOUR = 1800


class Talk(NamedTuple):
    """A conversation without its branches."""

    id: str
    title: str
    at: float
    turns: list[Said]

    def moments(self) -> Iterator[tuple[int, Said, str]]:
        for place, turn in enumerate(self.turns):
            yield place, turn, _iso(self.at + place)


class Kind(NamedTuple):
    """How an assistant writes conversations into files, and how each file is read back with the least work."""

    write: Callable[[int, list[Talk]], Files]
    read: Callable[[bytes], Iterable[list[Said]]]
    container: str = "zip"


def talks(writer: Writer) -> Iterator[Talk]:
    number = 0
    while True:
        told = writer.conversation()
        turns: list[Said] = []
        for node in told["mapping"].values():
            message = node["message"]
            role = message and message["author"]["role"]
            parts = [part for part in (message or {"content": {}})["content"].get("parts") or () if type(part) is str]
            if role in ("user", "assistant") and any(parts):
                turns.append((role, "\n".join(parts)))
        number += 1
        if len(turns) > 1:
            at = 1_685_000_000 + number * 4 * _HALF_AN_HOUR
            yield Talk(told["id"], told["title"] or f"Talk {number}", at, turns)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _lines(records: Iterable[Json]) -> bytes:
    return b"".join(_json(record) + b"\n" for record in records)


def _parent(talk: Talk, place: int) -> str | None:
    return f"{talk.id}-{place - 1}" if place else None


def _claude(talk: Talk) -> Json:
    messages = [
        {
            "uuid": f"{talk.id}-{place}",
            "text": "",
            "content": [{"type": "text", "text": said, "citations": []}],
            "sender": "human" if role == "user" else "assistant",
            "created_at": at,
            "attachments": [],
            "files": [],
            "parent_message_uuid": _parent(talk, place) or "00000000-0000-4000-8000-000000000000",
        }
        for place, (role, said), at in talk.moments()
    ]
    return {"uuid": talk.id, "name": talk.title, "created_at": _iso(talk.at), "chat_messages": messages}


def _claude_code(talk: Talk) -> bytes:
    return _lines(
        {
            "type": role,
            "uuid": f"{talk.id}-{place}",
            "parentUuid": _parent(talk, place),
            "sessionId": talk.id,
            "timestamp": at,
            "cwd": "/home/me/bread-app",
            "version": "2.1.0",
            "isSidechain": False,
            "message": {"role": role, "content": [{"type": "text", "text": said}]},
        }
        for place, (role, said), at in talk.moments()
    )


def _codex(talk: Talk) -> bytes:
    def items() -> Iterator[Json]:
        yield {
            "timestamp": _iso(talk.at),
            "type": "session_meta",
            "payload": {"id": talk.id, "cwd": "/home/me/bread-app"},
        }
        for _, (role, said), at in talk.moments():
            part = {"type": "input_text" if role == "user" else "output_text", "text": said}
            payload = {"type": "message", "role": role, "content": [part]}
            yield {"timestamp": at, "type": "response_item", "payload": payload}

    return _lines(items())


def _compliance(talk: Talk) -> bytes:
    return _lines(
        {
            "event_id": f"event-{talk.id}-{place}",
            "event_type": "CONVERSATION_MESSAGE_LOG",
            "timestamp": at,
            "payload": {
                "conversation_id": talk.id,
                "message": {
                    "id": f"{talk.id}-{place}",
                    "author": {"role": role},
                    "content": {"content_type": "text", "parts": [said]},
                    "created_at": at,
                },
            },
        }
        for place, (role, said), at in talk.moments()
    )


def _deepseek(talk: Talk) -> Json:
    mapping: Json = {}
    for place, (role, said), at in talk.moments():
        fragments = [{"type": "REQUEST" if role == "user" else "RESPONSE", "content": said}]
        message = {"model": "deepseek-chat", "inserted_at": at, "files": [], "fragments": fragments}
        id, parent = f"{talk.id}-{place}", _parent(talk, place)
        mapping[id] = {"id": id, "parent": parent, "children": [], "message": message}
    return {"id": talk.id, "title": talk.title, "inserted_at": _iso(talk.at), "mapping": mapping}


def _grok(talk: Talk) -> Json:
    responses = [
        {
            "response": {
                "_id": f"{talk.id}-{place}",
                "sender": "human" if role == "user" else "ASSISTANT",
                "message": said,
                "create_time": at,
                "parent_response_id": _parent(talk, place),
            }
        }
        for place, (role, said), at in talk.moments()
    ]
    return {"conversation": {"id": talk.id, "title": talk.title, "create_time": _iso(talk.at)}, "responses": responses}


def _lechat(talk: Talk) -> list[Json]:
    return [
        {"chatId": talk.id, "id": f"{talk.id}-{place}", "role": role, "content": said, "createdAt": at, "files": []}
        for place, (role, said), at in talk.moments()
    ]


def _librechat(talk: Talk) -> Json:
    messages = [
        {
            "messageId": f"{talk.id}-{place}",
            "parentMessageId": _parent(talk, place) or "00000000-0000-0000-0000-000000000000",
            "text": said,
            "isCreatedByUser": role == "user",
            "createdAt": at,
        }
        for place, (role, said), at in talk.moments()
    ]
    return {"conversationId": talk.id, "title": talk.title, "endpoint": "openAI", "messages": messages}


def _openwebui(talk: Talk) -> Json:
    messages = {
        f"{talk.id}-{place}": {
            "id": f"{talk.id}-{place}",
            "parentId": _parent(talk, place),
            "role": role,
            "content": said,
            "timestamp": int(talk.at) + place,
        }
        for place, (role, said), _ in talk.moments()
    }
    history = {"messages": messages, "currentId": f"{talk.id}-{len(talk.turns) - 1}"}
    return {
        "id": talk.id,
        "user_id": "u",
        "title": talk.title,
        "chat": {"history": history},
        "created_at": int(talk.at),
    }


def _aistudio(talk: Talk) -> Json:
    chunks = [{"role": "user" if role == "user" else "model", "text": said} for role, said in talk.turns]
    return {"runSettings": {"model": "models/gemini-3-pro"}, "chunkedPrompt": {"chunks": chunks}}


def _copilot(number: int, told: list[Talk]) -> Files:
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["Conversation", "Time", "Author", "Message"])
    for talk in reversed(told):
        for _, (role, said), at in reversed(list(talk.moments())):
            rows.writerow([f"{talk.title} {talk.id[:8]}", at[:-1], "Human" if role == "user" else "AI", said])
    return {f"copilot-activity-history-{number}.csv": out.getvalue().encode()}


def _perplexity(talk: Talk) -> Json:
    pairs = list(zip(talk.turns[::2], talk.turns[1::2], strict=False))
    entries = [
        {
            "entry_uuid": f"{talk.id}-{place}",
            "query": asked[1],
            "answer": answered[1],
            "created_at": _iso(talk.at + place),
        }
        for place, (asked, answered) in enumerate(pairs)
    ]
    return {"context_uuid": talk.id, "context_title": talk.title, "created_at": _iso(talk.at), "entries": entries}


def _gemini(number: int, told: list[Talk]) -> Files:
    entries = [
        {
            "header": "Gemini Apps",
            "title": f"Prompted {asked[1]}",
            "time": _iso(talk.at + place),
            "products": ["Gemini Apps"],
            "safeHtmlItem": [{"html": f"<p>{html.escape(answered[1])}</p>"}],
        }
        for talk in told
        for place, (asked, answered) in enumerate(zip(talk.turns[::2], talk.turns[1::2], strict=False))
    ]
    return {f"Takeout/My Activity/Gemini Apps/{number}/MyActivity.json": _json(entries[::-1])}


def _listed(name: str, one: Callable[[Talk], Json], under: str | None = None) -> Callable[[int, list[Talk]], Files]:
    def write(number: int, told: list[Talk]) -> Files:
        items = [one(talk) for talk in told]
        return {name.format(number): _json({under: items} if under else items)}

    return write


def _each(name: str, one: Callable[[Talk], Any]) -> Callable[[int, list[Talk]], Files]:
    def write(number: int, told: list[Talk]) -> Files:
        files = {name.format(talk.id): one(talk) for talk in told}
        return {name: data if isinstance(data, bytes) else _json(data) for name, data in files.items()}

    return write


def _log(number: int, told: list[Talk]) -> Files:
    return {f"messages-{number:03d}.jsonl": b"".join(map(_compliance, told))}


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)
    elif isinstance(value, str) and len(value) > 60:  # longer than ids and dates are
        yield value


def _values(data: bytes) -> Iterator[list[Said]]:
    """Every value of a file that is JSON, or lines of it: the words are found by their length alone."""
    import orjson

    try:
        found = [orjson.loads(data)]
    except orjson.JSONDecodeError:
        found = [orjson.loads(line) for line in data.splitlines()]
    for value in found[0] if len(found) == 1 and isinstance(found[0], list) else found:
        yield [("", said) for said in _words(value)]


_TAG = re.compile(r"<[^<>]*>")


def _activity(data: bytes) -> Iterator[list[Said]]:
    """Oldest first, and of a page its words: whoever did not take the markup away would find it in each search."""
    import orjson

    for entry in sorted(orjson.loads(data), key=itemgetter("time")):
        answers = (html.unescape(_TAG.sub(" ", item["html"])) for item in entry["safeHtmlItem"])
        yield [("", entry["title"]), *(("", answer) for answer in answers)]


def _rows(data: bytes) -> Iterator[list[Said]]:
    yield [(row[2], row[3]) for row in csv.reader(io.StringIO(data.decode(), newline=""))]


KINDS: dict[str, Kind] = {
    "claude": Kind(_listed("conversations-{:03d}.json", _claude), _values),
    "claude_code": Kind(_each("{}.jsonl", _claude_code), _values, "folder"),
    "codex": Kind(_each("rollout-{}.jsonl", _codex), _values, "folder"),
    "chatgpt_compliance": Kind(_log, _values, "folder"),
    "deepseek": Kind(_listed("conversations-{:03d}.json", _deepseek), _values),
    "grok": Kind(_listed("{:03d}-prod-grok-backend.json", _grok, "conversations"), _values),
    "lechat": Kind(_each("chat-{}.json", _lechat), _values),
    "librechat": Kind(_each("{}.json", _librechat), _values, "folder"),
    "openwebui": Kind(_listed("chats-{:03d}.json", _openwebui), _values),
    "aistudio": Kind(_each("{}.json", _aistudio), _values, "folder"),
    "copilot": Kind(_copilot, _rows),
    "perplexity": Kind(_listed("conversations-{:03d}.json", _perplexity, "conversations"), _values),
    "gemini": Kind(_gemini, _activity),
}
"""By the names that the sources have."""
