"""A small ChatGPT export to try things with: sixty conversations on everyday topics over two years, in one zip.

It is a real export in every respect that we read: projects, branches, code, images with their bytes, sources, thoughts.
"""

from __future__ import annotations

import json
import random
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any
from uuid import UUID

from commonplace.sources.chatgpt.sample_topics import TOPICS, Topic

_START = 1_714_550_400.0  # May 2024
_DAYS = 730
_DAY = 86_400.0


def write_sample(path: Path, *, conversations: int = 60, seed: int = 7) -> None:
    """Write the sample zip to `path`. The same arguments give the same bytes."""
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    days = sorted(chance.uniform(0, _DAYS) for _ in range(conversations))
    plots = [(topic, thing) for topic in TOPICS for thing in topic.things]
    chance.shuffle(plots)
    told = []
    images: dict[str, bytes] = {}
    for number, day in enumerate(days):
        topic, thing = plots[number % len(plots)]
        evening = _START + (int(day) + 0.3 + chance.betavariate(4, 3) * 0.6) * _DAY
        thread = _Thread(chance, topic, thing, evening)
        told.append(thread.conversation())
        images |= thread.images
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in _files(told, images).items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 5, 1, 9, 0, 0)), data, zipfile.ZIP_DEFLATED)


def _files(told: list[dict[str, Any]], images: dict[str, bytes]) -> dict[str, bytes]:
    half = (len(told) + 1) // 2
    shards = {"conversations-000.json": told[:half], "conversations-001.json": told[half:]}
    manifest = {
        "version": 1,
        "manifest_file": "export_manifest.json",
        "logical_files": {"conversations.json": {"files": list(shards), "sharded": True}},
    }
    values: dict[str, Any] = {
        **shards,
        "export_manifest.json": manifest,
        "conversation_asset_file_names.json": {f"{key}.dat": "drawing.png" for key in images},
        "user.json": {"id": "user-sample", "email": "reader@example.org"},
    }
    files = {name: json.dumps(value, ensure_ascii=False).encode() for name, value in values.items()}
    return files | {f"{key}.dat": data for key, data in images.items()}


class _Thread:
    """One conversation while it is being told."""

    def __init__(self, chance: random.Random, topic: Topic, thing: tuple[str, str], start: float) -> None:
        self._chance = chance
        self._topic = topic
        self._thing = thing
        self._start = self._clock = start
        self._mapping: dict[str, Any] = {}
        self._leaf: str | None = None
        self.images: dict[str, bytes] = {}

    def conversation(self) -> dict[str, Any]:
        """The item as it stands in an export."""
        key = self._identifier()
        for place, (role, text) in enumerate(self._topic.turns):
            if role == "assistant" and place == 1:
                self._before_first_answer()
            self._answer(text) if role == "assistant" else self._say("user", _text(self._filled(text)))
        if self._topic.extra == "image":
            self._draw()
        project = _project_id(self._topic.project) if self._topic.project else None
        return {
            "title": self._filled(self._topic.title),
            "create_time": self._start,
            "update_time": self._clock,
            "mapping": self._mapping,
            "current_node": self._leaf,
            "conversation_template_id": project,
            "default_model_slug": self._topic.model,
            "is_archived": self._chance.random() < 0.05,
            "is_starred": True if self._chance.random() < 0.08 else None,
            "memory_scope": "project_enabled" if project else "global_enabled",
            "conversation_id": key,
            "id": key,
        }

    def _filled(self, text: str) -> str:
        return text.replace("{thing}", self._thing[0]).replace("{detail}", self._thing[1])

    def _identifier(self) -> str:
        return str(UUID(int=self._chance.getrandbits(128), version=4))

    def _say(self, role: str, content: dict[str, Any], **more: Any) -> None:
        self._clock += self._chance.uniform(8, 90)
        key = self._identifier()
        metadata = {**more.pop("metadata", {}), **({"model_slug": self._topic.model} if role == "assistant" else {})}
        author = {"role": role, "name": more.pop("name", None)}
        told = {"id": key, "author": author, "create_time": round(self._clock, 3), "content": content, **more}
        self._mapping[key] = {"id": key, "parent": self._leaf, "message": {**told, "metadata": metadata}}
        self._leaf = key

    def _before_first_answer(self) -> None:
        """What the model does before it speaks, and the answer that was not kept."""
        question = self._leaf
        match self._topic.extra:
            case "thoughts":
                thought = {"summary": "Finding the cause", "content": self._filled(self._topic.reply)}
                self._say("assistant", {"content_type": "thoughts", "thoughts": [thought]})
                recap = f"Thought for {self._chance.randint(4, 40)} seconds"
                self._say("assistant", {"content_type": "reasoning_recap", "content": recap})
            case "code":
                code = {"content_type": "code", "language": "python", "text": self._topic.reply}
                self._say("assistant", code, recipient="python")
                output = "12700" if "sum(" in self._topic.reply else "IMG_0001.jpg -> 001.jpg"
                self._say("tool", {"content_type": "execution_output", "text": output}, name="python")
            case "branch":
                self._say("assistant", _text(self._filled(self._topic.reply)))
                self._leaf = question

    def _answer(self, text: str) -> None:
        metadata: dict[str, Any] = {}
        if self._topic.extra == "source":
            title, _, url = self._topic.reply.partition("|")
            mark = "\ue200cite\ue202turn0search0\ue201"
            reference = {"type": "grouped_webpages", "matched_text": mark, "items": [{"title": title, "url": url}]}
            metadata["content_references"] = [reference]
        self._say("assistant", _text(self._filled(text)), metadata=metadata)

    def _draw(self) -> None:
        key = f"file_{self._chance.getrandbits(128):032x}"
        self.images[key] = _picture(self._chance)
        self._say("user", _text("Draw it for me, please."))
        part = {
            "content_type": "image_asset_pointer",
            "asset_pointer": f"sediment://{key}",
            "width": 96,
            "height": 64,
            "metadata": {"dalle": {"prompt": self._filled(self._topic.reply)}},
        }
        self._say("tool", {"content_type": "multimodal_text", "parts": [part]}, name="dalle.text2im")
        self._say("assistant", _text("Here it is. Shall I change the colours?"))


def _text(text: str) -> dict[str, Any]:
    return {"content_type": "text", "parts": [text]}


def _project_id(name: str) -> str:
    return f"g-p-{name.encode().hex():0<32.32}"


def _picture(chance: random.Random) -> bytes:
    """A PNG of 96 by 64: a sky, some hills, in colours of their own."""
    width, height = 96, 64
    sky, hill = ([chance.randrange(90, 250) for _ in range(3)] for _ in range(2))
    ridge, steps = [], 40.0
    for _ in range(width):
        steps = min(56.0, max(20.0, steps + chance.uniform(-3, 3)))
        ridge.append(steps)
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows += bytes(hill if y > ridge[x] else (min(255, channel + y) for channel in sky))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
