"""Conversations as ChatGPT exports them, one after the other from one stream of chance: the same seed, the same chats.

Words follow Zipf's law over a vocabulary of fifty thousand, lengths have a heavy tail, each conversation has a topic,
a fifth of them belong to projects, and there are branches, code, citations, images, tool calls and other scripts.
"""

from __future__ import annotations

import json
import random
from typing import Any, Literal, cast

from benchmarks.generated.vocabulary import Vocabulary, Words

Shape = Literal["full", "trimmed", "mixed"]
START = 1_685_000_000.0
MODELS = ("gpt-4o", "gpt-4", "o1-preview", "gpt-4o-mini", "gpt-5", "o3")
SNIPPETS = (
    "```python\ndef total(values):\n    return sum(value for value in values if value)\n```",
    "```sql\nSELECT month, sum(amount) FROM bookings GROUP BY month ORDER BY month;\n```",
    "```js\nconst open = items.filter((item) => !item.done);\nconsole.log(open.length);\n```",
    "```bash\nfind . -name '*.log' -mtime +7 -delete\n```",
)


class Writer:
    """One conversation after the other, each from the same stream of chance."""

    def __init__(self, seed: int, shape: Shape) -> None:
        self.random = random.Random(seed)
        self.vocabulary = Vocabulary(seed)
        self.shape = shape
        self.clock = START
        self.projects = [f"g-p-{self.random.getrandbits(128):032x}" for _ in range(12)]
        self.gpts = [f"g-{self.random.getrandbits(45):09x}"[:11] for _ in range(5)]
        self.images: dict[str, str] = {}
        self.library: list[dict[str, Any]] = []
        self.feedback: list[dict[str, Any]] = []
        self.shared: list[dict[str, Any]] = []
        self._stock: Words = []
        self.language = "english"
        self.topic = 0
        self.is_full = True

    def identifier(self) -> str:
        digits = f"{self.random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def words(self, count: int) -> Words:
        if len(self._stock) < count:
            self._stock = self.vocabulary.draw(self.language, self.topic, max(3_000, count))
        taken = self._stock[-count:]
        del self._stock[-count:]
        return taken

    def prose(self, characters: int) -> str:
        """Sentences and paragraphs of about that many characters."""
        gap = "" if self.language == "chinese" else " "
        stop = "。" if self.language == "chinese" else ". "
        words = self.words(max(2, characters // (1 if self.language == "chinese" else 6)))
        pieces: list[str] = []
        place = 0
        while place < len(words):
            length = self.random.randint(6, 22)
            sentence = gap.join(words[place : place + length])
            pieces.append(sentence[:1].upper() + sentence[1:])
            place += length
        paragraphs = [stop.join(pieces[start : start + 6]) for start in range(0, len(pieces), 6)]
        return (stop.strip() + "\n\n").join(paragraphs) + stop.strip()

    def conversation(self) -> dict[str, Any]:
        """The next one, some minutes to a day after the one before."""
        chance = self.random
        self.is_full = self.shape == "full" or (self.shape == "mixed" and chance.random() < 0.5)
        self.language = chance.choices(("english", "german", "chinese", "arabic"), (85, 7, 5, 3))[0]
        is_in_project = chance.random() < 0.2
        project = chance.choices(range(12), [1 / place for place in range(1, 13)])[0] if is_in_project else None
        self.topic = project if project is not None else chance.randrange(40)
        self._stock = []
        self.clock += chance.expovariate(1 / 15_000)
        identifier = self.identifier()
        tree = Growth(self, identifier, chance.choice(MODELS))
        tree.grow(min(400, max(1, int(chance.lognormvariate(1.6, 0.9)))))
        gpt = chance.choice(self.gpts) if project is None and chance.random() < 0.05 else None
        home = self.projects[project] if project is not None else gpt
        if chance.random() < 0.01:
            told = {"id": self.identifier(), "conversation_id": identifier, "title": "shared", "is_anonymous": True}
            self.shared.append(told)
        title = None if chance.random() < 0.01 else " ".join(self.words(chance.randint(2, 7))).capitalize()
        return self._top_level(identifier, title, home, tree)

    def _top_level(self, identifier: str, title: str | None, home: str | None, tree: Growth) -> dict[str, Any]:
        chance = self.random
        fields: dict[str, Any] = {
            "title": title,
            "create_time": self.clock,
            "update_time": tree.clock,
            "mapping": tree.mapping,
            "current_node": tree.leaf,
            "conversation_template_id": home,
            "default_model_slug": tree.model if chance.random() < 0.54 else None,
            "is_archived": chance.random() < 0.05,
            "is_starred": True if chance.random() < 0.02 else None,
            "pinned_time": None,
            "memory_scope": "project_enabled" if (home or "").startswith("g-p-") else "global_enabled",
            "plugin_ids": None,
            "voice": None,
            "is_read_only": None,
            "is_do_not_remember": False,
            "is_study_mode": False,
        }
        if self.is_full:
            kind = None if home is None else "snorlax" if home.startswith("g-p-") else "gpt"
            fields |= {
                "gizmo_id": home,
                "gizmo_type": kind,
                "moderation_results": [],
                "safe_urls": [],
                "async_status": None,
            }
            fields |= {"blocked_urls": [], "conversation_origin": None, "disabled_tool_ids": [], "context_scopes": None}
        return {**fields, "conversation_id": identifier, "id": identifier}


class Growth:
    """The mapping of one conversation, turn by turn."""

    def __init__(self, writer: Writer, conversation_id: str, model: str) -> None:
        self.writer = writer
        self.chance = writer.random
        self.conversation_id = conversation_id
        self.model = model
        self.clock = writer.clock
        self.mapping: dict[str, Any] = {}
        self.leaf: str | None = None
        if writer.is_full:
            self._node(None)
            self._say("system", {"content_type": "text", "parts": [""]}, hidden=True)

    def grow(self, turns: int) -> None:
        chance = self.chance
        for _ in range(turns):
            if chance.random() < 0.05 and len(self.mapping) > 4:
                self._step_back()
            self._question()
            if self.writer.is_full:
                kind = chance.random()
                if kind < 0.06:
                    self._thinking()
                elif kind < 0.12:
                    self._running_code()
                elif kind < 0.14:
                    self._drawing()
                elif kind < 0.17:
                    self._browsing()
            self._answer()

    def _step_back(self) -> None:
        """Ask again from an earlier answer: what follows is a branch."""
        place: str | None = self.leaf
        for _ in range(2):
            if place is not None and self.mapping[place]["parent"] in self.mapping:
                place = self.mapping[place]["parent"]
        self.leaf = place

    def _node(self, message: dict[str, Any] | None) -> str:
        key = message["id"] if message else self.writer.identifier()
        node: dict[str, Any] = {"id": key, "message": message, "parent": self.leaf}
        if self.writer.is_full:
            node["children"] = []
            if self.leaf is not None:
                self.mapping[self.leaf]["children"].append(key)
        self.mapping[key] = node
        self.leaf = key
        return cast(str, key)

    def _say(
        self, role: str, content: dict[str, Any], *, hidden: bool = False, recipient: str = "all", **metadata: Any
    ) -> str:
        self.clock += self.chance.expovariate(1 / 40)
        identifier = self.writer.identifier()
        name = metadata.pop("author_name", None)
        message: dict[str, Any] = {
            "id": identifier,
            "author": {"role": role, "name": name},
            "create_time": None if role == "system" else round(self.clock, 6),
            "content": content,
        }
        if not self.writer.is_full:
            if role == "assistant":
                metadata["model_slug"] = self.model
            if metadata:
                message["metadata"] = {**metadata, "parent_id": self.leaf}
            return self._node(message)
        message["author"]["metadata"] = {}
        message |= {"update_time": None, "status": "finished_successfully", "end_turn": role == "assistant" or None}
        message |= {"weight": 1.0, "recipient": recipient, "channel": None}
        message["metadata"] = {**self._metadata(role), **metadata}
        if hidden:
            message["metadata"]["is_visually_hidden_from_conversation"] = True
        return self._node(message)

    def _metadata(self, role: str) -> dict[str, Any]:
        """What the full shape says beside every message."""
        told: dict[str, Any] = {
            "request_id": self.writer.identifier(),
            "message_source": None,
            "timestamp_": "absolute",
            "message_type": None,
            "serialization_metadata": {"custom_symbol_offsets": []},
            "turn_exchange_id": self.writer.identifier(),
            "parent_id": self.leaf,
        }
        if role == "user":
            return told | {
                "selected_sources": [],
                "selected_github_repos": [],
                "selected_all_github_repos": False,
                "developer_mode_connector_ids": [],
                "selected_connector_ids": [],
                "dictation": False,
            }
        if role == "assistant":
            told |= {"finish_details": {"type": "stop", "stop_tokens": [200002]}, "is_complete": True}
            told |= {
                "model_slug": self.model,
                "default_model_slug": "auto",
                "pad": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            }
            told |= {
                "sonic_classification_result": {"latency_ms": None, "search_prob": None},
                "resolved_model_slug": self.model,
            }
            told |= {
                "can_save": True,
                "gizmo_id": None,
                "kwargs": {"message_id": self.leaf, "conversation_mode": {"kind": "primary_assistant"}},
            }
        return told

    def _length(self, median: float, spread: float) -> int:
        return min(120_000, int(median * self.chance.lognormvariate(0, spread)))

    def _question(self) -> None:
        text = self.writer.prose(self._length(130, 1.3))
        if self.chance.random() >= 0.025:
            self._say("user", {"content_type": "text", "parts": [text]})
            return
        image = self._image(f"photo {len(self.writer.images)}.png")
        attachments = [{"id": image, "name": self.writer.images[image], "mime_type": "image/png", "size": 68}]
        part = {"content_type": "image_asset_pointer", "asset_pointer": f"sediment://{image}", "size_bytes": 68}
        key = self._say("user", {"content_type": "multimodal_text", "parts": [part, text]}, attachments=attachments)
        told = {"file_id": image, "file_name": self.writer.images[image], "mime_type": "image/png"}
        self.writer.library.append(
            {**told, "origination_message_id": key, "origination_thread_id": self.conversation_id}
        )

    def _image(self, name: str) -> str:
        image = f"file_{self.chance.getrandbits(128):032x}"
        self.writer.images[image] = name
        return image

    def _answer(self) -> None:
        text = self.writer.prose(self._length(750, 1.15))
        metadata: dict[str, Any] = {}
        luck = self.chance.random()
        if luck < 0.2:
            text += "\n\n" + self.chance.choice(SNIPPETS) + "\n\n" + self.writer.prose(self._length(200, 0.8))
        elif luck < 0.26:
            text, metadata["content_references"] = self._cited(text)
        key = self._say("assistant", {"content_type": "text", "parts": [text]}, **metadata)
        if self.chance.random() < 0.003:
            told = {"id": key, "conversation_id": self.conversation_id, "rating": "thumbs_up", "content": "{}"}
            self.writer.feedback.append(told)

    def _cited(self, text: str) -> tuple[str, list[dict[str, Any]]]:
        references: list[dict[str, Any]] = []
        for number in range(self.chance.randint(1, 6)):
            mark = f"\ue200cite\ue202turn0search{number}\ue201"
            title = " ".join(self.writer.words(4))
            item = {
                "title": title,
                "url": f"https://example.org/{number}/{self.chance.getrandbits(32):x}",
                "snippet": title,
            }
            start = len(text) + 1
            text += f" {mark}"
            told = {"matched_text": mark, "start_idx": start, "end_idx": start + len(mark), "items": [item]}
            references.append({"type": "grouped_webpages", "alt": f"([{title}]({item['url']}))", **told})
        return text, references

    def _thinking(self) -> None:
        thoughts = [
            {
                "summary": " ".join(self.writer.words(4)),
                "content": self.writer.prose(300),
                "chunks": [],
                "finished": True,
            }
            for _ in range(self.chance.randint(1, 4))
        ]
        self._say("assistant", {"content_type": "thoughts", "thoughts": thoughts, "source_analysis_msg_id": self.leaf})
        self._say(
            "assistant", {"content_type": "reasoning_recap", "content": f"Thought for {self.chance.randint(3, 90)}s"}
        )

    def _running_code(self) -> None:
        code = "import statistics\n\n" + "\n".join(f"print({self.chance.random():.4f})" for _ in range(5))
        self._say("assistant", {"content_type": "code", "language": "python", "text": code}, recipient="python")
        result = {"status": "success", "run_id": self.writer.identifier(), "code": code, "messages": []}
        output = {"content_type": "execution_output", "text": "\n".join(self.writer.words(20))}
        self._say("tool", output, author_name="python", aggregate_result=result)

    def _drawing(self) -> None:
        image = self._image(f"drawing {len(self.writer.images)}.png")
        dalle = {"gen_id": self.writer.identifier(), "prompt": self.writer.prose(120), "seed": 7}
        part = {
            "content_type": "image_asset_pointer",
            "asset_pointer": f"sediment://{image}",
            "width": 1024,
            "height": 1024,
        }
        content = {"content_type": "multimodal_text", "parts": [{**part, "metadata": {"dalle": dalle}}]}
        self._say("tool", content, author_name="dalle.text2im")

    def _browsing(self) -> None:
        call = json.dumps({"search_query": [{"q": " ".join(self.writer.words(5))}]})
        self._say("assistant", {"content_type": "code", "language": "unknown", "text": call}, recipient="web.run")
        page = {"content_type": "tether_quote", "url": "https://example.org/page", "domain": "example.org"}
        text = self.writer.prose(self._length(900, 0.8))
        self._say("tool", {**page, "title": " ".join(self.writer.words(5)), "text": text}, author_name="browser")
