"""An OpenAI server for tests: real HTTP on a loopback port, strict about requests, deterministic, failing on demand.

It answers /v1/responses, /v1/chat/completions, /v1/embeddings, /v1/models, /v1/files and /v1/batches. A conversation's
category is the one whose name its text mentions as `[[name]]`, else a hash of the text decides. Limits are enforced
and named in headers; faults are scripted; everything that was sent and everything that was charged for is
counted, because what the tests ask is whether anything was paid for twice.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.loopback import Loopback
from tests.fakes.openai_answers import CHARACTERS_PER_TOKEN, answer_for, babble, count_tokens, problem_with_schema
from tests.fakes.openai_batches import Batches
from tests.fakes.openai_http import Fault, Kind, Seen, Server, texts_of

_RESPONSES_KEYS = {
    "model", "input", "instructions", "text", "reasoning", "max_output_tokens", "store", "service_tier",
    "prompt_cache_key", "prompt_cache_options", "metadata", "truncation", "temperature",
}  # fmt: skip
_CHAT_KEYS = {
    "model", "messages", "response_format", "max_tokens", "max_completion_tokens", "temperature", "stream", "seed",
}  # fmt: skip
_CONVERSATION = re.compile(r"<conversation index=\"(\d+)\">\n(.*?)\n</conversation>", re.DOTALL)


@dataclass
class Window:
    """A limit per window. `sliding` counts everything of the last window; a bucket refills evenly."""

    limit: int
    seconds: float
    is_sliding: bool = False
    level: float = field(init=False)
    filled_at: float = field(default_factory=time.monotonic)
    spent: deque[tuple[float, float]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.level = float(self.limit)

    def remaining(self, moment: float) -> float:
        if self.is_sliding:
            while self.spent and self.spent[0][0] <= moment - self.seconds:
                self.level += self.spent.popleft()[1]
        else:
            self.level = min(self.limit, self.level + (moment - self.filled_at) * self.limit / self.seconds)
        self.filled_at = moment
        return self.level

    def spend(self, amount: float, moment: float) -> None:
        self.level -= amount
        if self.is_sliding:
            self.spent.append((moment, amount))

    def wait_for(self, amount: float, moment: float) -> float:
        missing = min(amount, self.limit) - self.remaining(moment)
        if missing <= 0:
            return 0.0
        if not self.is_sliding:
            return missing * self.seconds / self.limit
        for at, released in self.spent:
            missing -= released
            if missing <= 0:
                return at + self.seconds - moment
        return self.seconds


class FakeOpenAI(Loopback):
    """The server. Start it as a context manager; `url` is the base URL to give to a client."""

    def __init__(
        self,
        *,
        latency: float = 0.0,
        requests_per_window: int | None = None,
        tokens_per_window: int | None = None,
        window_seconds: float = 60.0,
        is_sliding: bool = False,
        names_limits: bool = True,
        knows_schemas: bool = True,
        api_key: str = "sk-test",
        models: dict[str, str | None] | None = None,
    ) -> None:
        self.latency = latency
        self.names_limits = names_limits
        self.knows_schemas = knows_schemas
        self.api_key = api_key
        self.models = models or {"gpt-6-luna": None, "gpt-5.6-luna": None, "gpt-4o-mini": "2027-01-14"}
        self.windows = {
            name: Window(limit, window_seconds, is_sliding)
            for name, limit in (("requests", requests_per_window), ("tokens", tokens_per_window))
            if limit
        }
        self.is_tiny = False
        """Answers are those of a very small model: whatever a schema allows, and nothing sensible."""
        self.refuses_schemas = False
        """Chat completions with a `response_format` are refused, as some servers do."""
        self.slow_create = 0.0
        """Seconds between creating a batch and answering that it was created."""
        self.lock = threading.RLock()
        self.seen: list[Seen] = []
        self.faults: list[Fault] = []
        self.answered: Counter[str] = Counter()
        """How often each conversation's text was answered, which is how often it was paid for."""
        self.tokens = Counter[str]()
        self.warm: set[str] = set()
        self.keeps_warm = True
        """Prompts that begin alike become cheaper, which depends on how many are under way at once."""
        self.batches = Batches(self)
        self.in_flight = self.most_in_flight = 0
        self.ids = 0
        super().__init__(Server(self))

    @property
    def url(self) -> str:
        return f"{self.address}/v1"

    def fail(
        self, kind: Kind, times: int = 1, *, mentions: str = "", path: str = "/v1/", retry_after: str | None = None
    ) -> None:
        """Script a fault. Several queue up; the first that fits a request strikes."""
        with self.lock:
            self.faults.append(Fault(kind, times, mentions, path, retry_after))

    def times_answered(self, mention: str) -> int:
        """How often conversations that mention this were answered."""
        with self.lock:
            return sum(count for text, count in self.answered.items() if mention in text)

    def requests_to(self, path: str) -> list[Seen]:
        with self.lock:
            return [request for request in self.seen if request.path.startswith(path)]

    def refusals(self) -> int:
        """How many requests were turned away for coming too fast."""
        with self.lock:
            return sum(request.status == 429 for request in self.seen)

    def next_id(self, prefix: str) -> str:
        with self.lock:
            self.ids += 1
            return f"{prefix}_{self.ids:06d}"

    # What a request leads to.

    def take_fault(self, path: str, text: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if path.startswith(fault.path) and fault.mentions in text:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                    return fault
        return None

    def admit(self, tokens: int) -> tuple[float, dict[str, str]]:
        """Seconds to wait (0: come in) and the headers that name the limits."""
        with self.lock:
            moment = time.monotonic()
            cost = {"requests": 1, "tokens": tokens}
            wait = max((window.wait_for(cost[name], moment) for name, window in self.windows.items()), default=0.0)
            headers = {}
            for name, window in self.windows.items():
                if wait <= 0:
                    window.spend(cost[name], moment)
                left = window.remaining(moment)
                reset = (window.limit - left) * window.seconds / window.limit
                headers[f"x-ratelimit-limit-{name}"] = str(window.limit)
                headers[f"x-ratelimit-remaining-{name}"] = str(max(0, int(left)))
                headers[f"x-ratelimit-reset-{name}"] = f"{reset:.3f}s"
            return wait, headers if self.names_limits else {}

    def respond(
        self, path: str, body: dict[str, Any], fault: Fault | None, *, is_batch: bool = False
    ) -> dict[str, Any]:
        """The answer to one question, charged for."""
        prompt, question = texts_of(path, body)
        conversations = {int(index): text for index, text in _CONVERSATION.findall(question)}
        schema = _schema(path, body) if self.knows_schemas else None
        if self.is_tiny:
            text = babble(schema, question)
        else:
            text = answer_for(schema, conversations, prompt, fault.kind if fault else None)
        with self.lock:
            for conversation in conversations.values():
                self.answered[conversation] += 1
            usage = self._charge(body, prompt, question, text, is_batch)
        if path == "/v1/chat/completions":
            return self._chat(body, text, usage, fault)
        return self._response(body, text, usage, fault)

    def _charge(self, body: dict[str, Any], prompt: str, question: str, answer: str, is_batch: bool) -> dict[str, int]:
        fixed, fresh, said = count_tokens(prompt), count_tokens(question), count_tokens(answer)
        key = f"{body.get('prompt_cache_key')}:{hash(prompt)}"
        cached = fixed // 128 * 128 if key in self.warm and fixed >= 1024 else 0
        if self.keeps_warm:
            self.warm.add(key)
        usage = {"input": fixed + fresh, "cached": cached, "output": min(said, _most(body))}
        self.tokens.update(usage)
        self.tokens["batch" if is_batch else "live"] += fixed + fresh + usage["output"]
        if not is_batch and "tokens" in self.windows:
            self.windows["tokens"].spend(usage["output"], time.monotonic())
        return usage

    def _response(self, body: dict[str, Any], text: str, usage: dict[str, int], fault: Fault | None) -> dict[str, Any]:
        part: dict[str, Any] = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        if fault and fault.kind == "refusal":
            part = {"type": "refusal", "refusal": "I'm sorry, I can't help with that."}
        is_cut = (fault is not None and fault.kind == "truncated") or count_tokens(text) > _most(body)
        why = "max_output_tokens" if is_cut else "content_filter" if fault and fault.kind == "filtered" else None
        return {
            "id": self.next_id("resp"),
            "object": "response",
            "created_at": 1_700_000_000,
            "status": "incomplete" if why else "completed",
            "incomplete_details": {"reason": why} if why else None,
            "error": None,
            "model": body["model"],
            "output": [
                {"type": "reasoning", "id": self.next_id("rs"), "summary": []},
                {"type": "message", "id": self.next_id("msg"), "role": "assistant", "content": [part]},
            ],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": {
                "input_tokens": usage["input"],
                "input_tokens_details": {"cached_tokens": usage["cached"], "cache_write_tokens": 0},
                "output_tokens": usage["output"],
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": usage["input"] + usage["output"],
            },
        }  # fmt: skip

    def _chat(self, body: dict[str, Any], text: str, usage: dict[str, int], fault: Fault | None) -> dict[str, Any]:
        kind = fault.kind if fault else None
        refused = kind == "refusal"
        reason = {"truncated": "length", "filtered": "content_filter"}.get(kind or "", "stop")
        if count_tokens(text) > _most(body):
            text, reason = text[: _most(body) * CHARACTERS_PER_TOKEN], "length"
        return {
            "id": self.next_id("chatcmpl"),
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "finish_reason": reason,
                    "message": {
                        "role": "assistant",
                        "content": None if refused else text,
                        "refusal": "I can't help with that." if refused else None,
                    },
                }
            ],
            "usage": {
                "prompt_tokens": usage["input"],
                "completion_tokens": usage["output"],
                "total_tokens": usage["input"] + usage["output"],
            },
        }

    def problem_with(self, path: str, body: dict[str, Any]) -> tuple[str, str] | None:
        """What a strict server would object to in a question: (parameter, why)."""
        known = _CHAT_KEYS if path == "/v1/chat/completions" else _RESPONSES_KEYS
        unknown = body.keys() - known
        if unknown:
            return sorted(unknown)[0], "unknown_parameter"
        if not isinstance(body.get("model"), str):
            return "model", "missing_required_parameter"
        if not texts_of(path, body)[1].strip():
            return "input", "missing_required_parameter"
        if "reasoning" in body and not re.match(r"gpt-[5-9]|o\d", body["model"]):
            return "reasoning.effort", "unsupported_parameter"
        if "prompt_cache_options" in body and not re.match(r"gpt-(5\.[6-9]|[6-9])", body["model"]):
            return "prompt_cache_options", "unsupported_parameter"
        if not isinstance(_most(body), int) or _most(body) < 16:
            return "max_output_tokens", "integer_below_min_value"
        schema = _schema(path, body)
        where = "response_format" if path == "/v1/chat/completions" else "text.format.schema"
        if schema is None:
            return None if path == "/v1/chat/completions" else (where, "missing_required_parameter")
        if path == "/v1/chat/completions" and self.refuses_schemas:
            return "response_format", "unsupported_parameter"
        if path == "/v1/chat/completions" and not self.knows_schemas:
            return None
        why = problem_with_schema(schema, knows_bounds=path == "/v1/chat/completions")
        return (where, "invalid_json_schema") if why else None

    def model_list(self) -> dict[str, Any]:
        rows = [
            {"id": name, "object": "model", "created": 1, "owned_by": "openai", "shutdown_date": ends}
            for name, ends in self.models.items()
        ]
        return {"object": "list", "data": rows}


def _most(body: dict[str, Any]) -> int:
    value = body.get("max_output_tokens") or body.get("max_completion_tokens") or body.get("max_tokens") or 128_000
    return int(value)


def _schema(path: str, body: dict[str, Any]) -> dict[str, Any] | None:
    if path == "/v1/chat/completions":
        given = body.get("response_format") or {}
        inner = given.get("json_schema") or {}
        return inner.get("schema") if given.get("type") == "json_schema" else None
    given = (body.get("text") or {}).get("format") or {}
    return given.get("schema") if given.get("type") == "json_schema" and given.get("strict") is True else None


def conversations_in(requests: Iterable[Seen]) -> list[int]:
    """How many conversations each request asked about."""
    return [len(_CONVERSATION.findall(texts_of(request.path, request.body)[1])) for request in requests]
