"""What the fake OpenAI server says: deterministic answers that fit their schema, and its rules for schemas."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import struct
from typing import Any

_KEYWORDS = {"type", "properties", "required", "additionalProperties", "items", "enum", "anyOf", "description", "const"}
_BOUNDS = {"minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum"}
"""What servers that write by a grammar know beside these."""
_HINT = re.compile(r"\[\[(.+?)\]\]")
CHARACTERS_PER_TOKEN = 4
DIMENSIONS = 32


def count_tokens(text: str) -> int:
    """This server's tokenizer: a token is four characters."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big")


def answer_for(schema: dict[str, Any] | None, conversations: dict[int, str], prompt: str, fault: str | None) -> str:
    """The text of an answer: one verdict per conversation, spoilt as the fault says."""
    if schema is not None and "projects" in schema["properties"]:
        return json.dumps({"projects": [_value("project", schema["properties"]["projects"]["items"], prompt)]})
    if fault == "prose" or (schema is None and fault != "fenced" and "JSON" not in prompt):
        return "Sure! The first conversation seems to be about programming."
    verdicts = [_verdict(schema, index, text, prompt) for index, text in sorted(conversations.items())]
    if verdicts:
        _spoil(verdicts, fault)
    text = json.dumps({"verdicts": verdicts}, ensure_ascii=False)
    if fault in {"truncated", "filtered"}:
        return text[: text.rindex('"category"')]
    if fault == "fenced":
        return f"<think>It is about code.</think>\n```json\n{text}\n```"
    return text


def _spoil(verdicts: list[dict[str, Any]], fault: str | None) -> None:
    last = verdicts[-1]
    match fault:
        case "wrong_enum":
            last["category"] = "Astrology"
        case "wrong_confidence":
            last["confidence"] = 95
        case "wrong_index":
            last["index"] = 99
        case "missing_item":
            verdicts.pop()


def _verdict(schema: dict[str, Any] | None, index: int, text: str, prompt: str) -> dict[str, Any]:
    if schema is None:
        names = re.findall(r"^• (.+?)(?:: | For example|$)", prompt, re.MULTILINE)
        shape: dict[str, Any] = {
            "index": {"type": "integer"},
            "language": {"type": "string"},
            "evidence": {"type": "string"},
            "category": {"enum": names},
            "runner_up": {"anyOf": [{"enum": names}, {"type": "null"}]},
            "confidence": {"type": "number"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "title": {"type": "string"},
            "summary": {"type": "string"},
        }
    else:
        shape = schema["properties"]["verdicts"]["items"]["properties"]
    verdict = {name: _value(name, each, text) for name, each in shape.items()}
    verdict["index"] = index
    hints = [hint for hint in _HINT.findall(text) if hint in shape["category"].get("enum", [])]
    if hints:
        verdict["category"] = hints[0]
        verdict["confidence"] = 0.93
    return verdict


def _value(name: str, schema: dict[str, Any], text: str) -> Any:
    seed = _number(name + text)
    if "enum" in schema:
        return schema["enum"][seed % len(schema["enum"])]
    if "anyOf" in schema:
        return _value(name, schema["anyOf"][0], text)
    match schema.get("type"):
        case "object":
            return {key: _value(key, each, text) for key, each in schema["properties"].items()}
        case "array":
            return [_value(f"{name}{place}", schema["items"], text) for place in range(2)]
        case "integer":
            return seed % 5
        case "number":
            return round(0.5 + seed % 1000 / 2001, 3)
        case "boolean":
            return bool(seed % 2)
        case _:
            return {"language": "en"}.get(name, f"{name} {seed % 1000}")


def babble(schema: dict[str, Any] | None, text: str) -> str:
    """What a very small model says: by the grammar if there is one, and as foolishly as that allows."""
    return json.dumps(_foolish(schema, text), ensure_ascii=False) if schema else "The the the conversation conversation"


def _foolish(schema: dict[str, Any], text: str) -> Any:
    if "enum" in schema:
        return schema["enum"][_number(text) % len(schema["enum"])]
    if "anyOf" in schema:
        return _foolish(schema["anyOf"][0], text)
    match schema.get("type"):
        case "object":
            return {key: _foolish(each, text + key) for key, each in schema["properties"].items()}
        case "array":
            return [_foolish(schema["items"], f"{text}{place}") for place in range(schema.get("maxItems", 40))]
        case "integer" | "number":
            return schema.get("maximum", 95)
        case _:
            return ("blah " * 2000)[: schema.get("maxLength", 10_000)]


def problem_with_schema(schema: dict[str, Any], *, knows_bounds: bool = False) -> str | None:
    """What strict mode objects to: the published rules, nothing friendlier."""
    if schema.get("type") != "object":
        return "the root must be an object"
    found: list[str] = []
    counts = {"properties": 0, "enums": 0, "characters": 0}
    _inspect(schema, 1, counts, found, _KEYWORDS | (_BOUNDS if knows_bounds else set()))
    for name, most in (("properties", 5000), ("enums", 1000), ("characters", 120_000)):
        if counts[name] > most:
            found.append(f"too many {name}")
    return found[0] if found else None


def _inspect(schema: dict[str, Any], depth: int, counts: dict[str, int], found: list[str], known: set[str]) -> None:
    if schema.keys() - known:
        found.append(f"unsupported keywords {sorted(schema.keys() - known)}")
    if depth > 10:
        found.append("too deep")
        return
    values = [str(value) for value in schema.get("enum", [])]
    counts["enums"] += len(values)
    counts["characters"] += sum(map(len, values))
    if len(values) > 250 and sum(map(len, values)) > 15_000:
        found.append("an enum that is too long")
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        counts["properties"] += len(properties)
        counts["characters"] += sum(map(len, properties))
        if schema.get("additionalProperties") is not False:
            found.append("additionalProperties must be false")
        if schema.get("required") != list(properties):
            found.append("every property must be required")
        for each in properties.values():
            _inspect(each, depth + 1, counts, found, known)
    elif schema.get("type") == "array":
        _inspect(schema["items"], depth + 1, counts, found, known)
    for each in schema.get("anyOf", []):
        _inspect(each, depth, counts, found, known)


def embed(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Vectors made of the words, so that texts with words in common are near each other."""
    inputs = [body["input"]] if isinstance(body.get("input"), str) else body.get("input") or []
    tokens = [count_tokens(text) for text in inputs]
    if not inputs or len(inputs) > 2048 or sum(tokens) > 300_000 or max(tokens) > 8192 or not all(inputs):
        error = {"message": "Invalid 'input'.", "type": "invalid_request_error", "code": None, "param": "input"}
        return 400, {"error": error}
    size = int(body.get("dimensions") or DIMENSIONS)
    rows = []
    for place, text in enumerate(inputs):
        vector = _vector(text, size)
        packed = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
        value = packed if body.get("encoding_format") == "base64" else vector
        rows.append({"object": "embedding", "index": place, "embedding": value})
    usage = {"prompt_tokens": sum(tokens), "total_tokens": sum(tokens)}
    return 200, {"object": "list", "model": body["model"], "data": rows, "usage": usage}


SPOILED = {"nan_vectors", "short_vectors", "uneven_vectors", "missing_vectors", "shuffled_vectors"}


def spoil(answer: dict[str, Any], how: str) -> dict[str, Any]:
    """Vectors as a broken server gives them; the shuffled ones are right, but in another order."""
    rows = answer["data"]
    if how == "nan_vectors":
        rows[-1]["embedding"][0] = math.nan
    elif how == "short_vectors":
        rows = [{**row, "embedding": row["embedding"][:7]} for row in rows]
    elif how == "uneven_vectors":
        rows[-1]["embedding"].append(0.0)
    elif how == "missing_vectors":
        rows = rows[:-1]
    else:
        rows = rows[::-1]
    return {**answer, "data": rows}


def _vector(text: str, size: int) -> list[float]:
    values = [0.0] * size
    for word in re.findall(r"\w+", text.lower()):
        seed = _number(word)
        values[seed % size] += 1.0 if seed // size % 2 else -1.0
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    return [value / length for value in values]
