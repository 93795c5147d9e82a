"""How near the judge `openai` comes to what its limits allow, and what a thousand conversations cost.

    python -m benchmarks.categorize_openai [--quick]

The service is the tests' fake in a process of its own, with 200 ms latency and the limits of a minute scaled down to
seconds. It enforces them strictly and counts what it turns away. Its tokenizer is four characters to a token, so token
counts and prices are those of Latin texts, near but not equal to OpenAI's. The conversations are made of the shipped
examples, with lengths as in real exports: half are under 2,000 characters, a few have tens of thousands.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from commonplace.categorize.contract import Subject, Taxonomy, Turn
from commonplace.categorize.definitions import shipped
from commonplace.categorize.openai import OpenAIJudge
from commonplace.categorize.openai.packing import TOKENS_PER_VERDICT
from commonplace.model import Verdict
from commonplace.openai.client import Account, Client
from commonplace.openai.errors import DEFAULT_MODEL
from commonplace.openai.limiter import Governor
from commonplace.openai.pricing import BATCH_DISCOUNT, PRICES, Counted
from tests.fakes.openai import FakeOpenAI

LATENCY = 0.2
WINDOW_SECONDS = 4.0
REQUESTS_PER_WINDOW = 60
TOKENS_PER_WINDOW = 120_000
UNBOUND = 100_000_000
TARGET = 0.95


def corpus(count: int) -> list[Subject]:
    """Conversations of realistic lengths, the same every time."""
    chance = random.Random(7)
    told = [
        (example["title"], example["turns"])
        for path in sorted(Path(str(files("commonplace.categorize") / "examples")).glob("*.jsonl"))
        for example in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    ]
    return [_conversation(number, chance, told) for number in range(count)]


def _conversation(number: int, chance: random.Random, told: list[tuple[str, list[Any]]]) -> Subject:
    wanted = min(120_000, int(chance.lognormvariate(7.6, 1.2)))
    texts: list[str] = []
    while sum(map(len, texts)) < wanted:
        texts += [turn["text"] if isinstance(turn, dict) else str(turn) for turn in chance.choice(told)[1]]
    turns = tuple(Turn("assistant" if place % 2 else "user", text) for place, text in enumerate(texts))
    return Subject(
        conversation_id=f"benchmark:{number}",
        content_hash=str(number),
        title=chance.choice(told)[0],
        turns=turns,
    )


@contextmanager
def served(**limits: int) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The fake in another process, as a service is."""
    command = [sys.executable, "-m", "benchmarks.categorize_openai", "--serve", json.dumps(limits)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.kill()
        process.communicate()


def serve(limits: dict[str, int]) -> None:
    with FakeOpenAI(latency=LATENCY, window_seconds=WINDOW_SECONDS, **limits) as fake:  # type: ignore[arg-type]
        print(fake.url, flush=True)
        sys.stdin.readline()
        conversations = sum(fake.answered.values())
        print(json.dumps({**fake.tokens, "conversations": conversations, "refused": fake.refusals()}), flush=True)
        sys.stdin.readline()


def measure(name: str, subjects: list[Subject], taxonomy: Taxonomy, **limits: int) -> dict[str, Any]:
    """One run to the end, against what its tighter limit would allow."""
    with served(**limits) as (url, process):
        governor = Governor(
            limits.get("requests_per_window"), limits.get("tokens_per_window"), window_seconds=WINDOW_SECONDS
        )
        judge = OpenAIJudge(Client(Account(api_key="sk-test", base_url=url), governor=governor))
        judge.judge(subjects[:8], taxonomy)  # connections and the prompt cache
        before = judge.usage
        started = time.monotonic()
        answers = judge.judge(subjects[8:], taxonomy)
        seconds = time.monotonic() - started
        requests = judge.client.requests_sent - 1
        tokens = judge.usage.input_tokens + judge.usage.output_tokens - before.input_tokens - before.output_tokens
        judge.close()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        counted = json.loads(process.stdout.readline())
    allowed = [requests * WINDOW_SECONDS / limits.get("requests_per_window", UNBOUND)]
    allowed.append(tokens * WINDOW_SECONDS / limits.get("tokens_per_window", UNBOUND))
    verdicts = sum(isinstance(answer, Verdict) for answer in answers)
    return {
        "scenario": name,
        "conversations": verdicts,
        "failed": len(answers) - verdicts,
        "requests": requests,
        "seconds": round(seconds, 2),
        "conversations_per_second": round(verdicts / seconds, 1),
        "share_of_the_limit": round(max(allowed) / seconds, 3),
        "refused": counted["refused"],
        "input_tokens": counted["input"],
        "cached_tokens": counted["cached"],
        "output_tokens": counted["output"],
        "judged": counted["conversations"],
    }


def prices(result: dict[str, Any]) -> dict[str, Any]:
    """Per conversation and per thousand: input as the service counted it, output as long as real summaries are.

    The fake's own answers are a third of that, and would make everything look cheaper than it is.
    """
    judged = result["judged"]
    output = TOKENS_PER_VERDICT["summary"]
    counted = Counted(input=result["input_tokens"], cached=result["cached_tokens"], output=output * judged)
    thousand = 1000 * PRICES[DEFAULT_MODEL].of(counted) / judged
    return {
        "model": DEFAULT_MODEL,
        "prompt_tokens_per_conversation": round(result["input_tokens"] / judged),
        "of_which_cached": round(result["cached_tokens"] / judged),
        "output_tokens_assumed": output,
        "usd_per_1000_live": round(thousand, 4),
        "usd_per_1000_batch": round(thousand * BATCH_DISCOUNT, 4),
    }


def run(*, quick: bool = False) -> dict[str, Any]:
    taxonomy = shipped("everyday")
    assert taxonomy is not None
    subjects = corpus(900 if quick else 4000)
    results = [
        measure("bound by requests", subjects, taxonomy, requests_per_window=REQUESTS_PER_WINDOW),
        measure("bound by tokens", subjects, taxonomy, tokens_per_window=TOKENS_PER_WINDOW),
    ]
    return {"throughput": results, "prices": prices(results[0])}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--serve", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        serve(options.serve)
        return 0
    found = run(quick=options.quick)
    print(json.dumps(found, indent=2))
    return int(any(result["share_of_the_limit"] < TARGET for result in found["throughput"]))


if __name__ == "__main__":
    sys.exit(main())
