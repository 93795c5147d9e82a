"""From the settings to a namer, and asking it: within the budget, and never twice the same.

Asking is kept apart from recording, as with judges: `ask` puts what a paid namer says into the person's file of names
the moment it arrives; `said` reads it there. The local namer costs nothing and is asked on the spot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b

import msgspec

from commonplace.config import Environment, Settings
from commonplace.openai.client import Client, account_of
from commonplace.openai.pricing import FREE, Counted, Price, price_to_reckon_with, unknown_price
from commonplace.openai.tokens import estimate_tokens
from commonplace.projects import naming_questions as questions
from commonplace.projects.contract import Namer, PaidNamer, Proposal, Unnamed
from commonplace.projects.known_names import KnownNames, names_path
from commonplace.projects.naming import KeyPhrases
from commonplace.projects.openai_namer import CompatibleNamer, OpenAINamer
from commonplace.stages.work import Bought

AT_ONCE = 20
"""Projects in one request: they are told apart from each other."""
KEY_VERSION = "v1"


class Naming(msgspec.Struct, frozen=True, kw_only=True):
    """A namer, what it said before, and what it may cost."""

    namer: Namer
    known: KnownNames | None = None
    price: Price | None = FREE
    """None: not known, and so nothing may be asked."""
    max_cost: float = 0.0


class Asked(Bought, frozen=True, kw_only=True):
    """What asking about some projects brought."""

    named: int = 0
    problem: str | None = None
    """Why the answer, which was paid for, was no good."""

    @property
    def is_complete(self) -> bool:
        return self.problem is None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The batches to ask about, and why it is not all of them."""

    batches: list[list[Unnamed]]
    stopped: str | None = None


@contextmanager
def open_naming(
    settings: Settings, environment: Environment, *, check: Callable[[], None] = lambda: None
) -> Iterator[Naming]:
    """The namer of the settings. A key or an address is missed by its first question, not before."""
    wanted = settings.projects
    if wanted.namer == "local":
        yield Naming(namer=KeyPhrases())
        return
    is_compatible = wanted.namer == "compatible"
    client = Client(account_of(settings, environment, needs_address=is_compatible), check=check)
    namer = (CompatibleNamer if is_compatible else OpenAINamer)(client, wanted.model or settings.categorize.model)
    with client, KnownNames(names_path(settings.home)) as known:
        price = price_to_reckon_with(namer.model, settings, is_own=is_compatible or bool(client.account.base_url))
        yield Naming(namer=namer, known=known, price=price, max_cost=wanted.max_cost)


def plan(naming: Naming, waiting: Sequence[Unnamed], *, again: bool = False, spent: float = 0.0) -> Plan:
    """What has to be asked, as far as what this run has `spent` leaves a budget. Nothing, where the namer is the local
    one."""
    namer = naming.namer
    if not isinstance(namer, PaidNamer):
        return Plan(batches=[])
    known = {} if again or naming.known is None else naming.known.find(waiting, namer.key)
    left = [project for project in waiting if project.project_id not in known]
    if left and naming.price is None:
        return Plan(batches=[], stopped=unknown_price(namer.model, "[projects]"))
    batches: list[list[Unnamed]] = []
    for batch in in_batches(left):
        cost = _most_it_costs(naming.price or FREE, batch)
        spent += cost
        if cost and spent > naming.max_cost:
            unasked = len(left) - sum(map(len, batches))
            reason = (
                f"Names for {unasked} projects would pass the limit of ${naming.max_cost:.2f} ([projects] max_cost)."
            )
            return Plan(batches=batches, stopped=reason)
        batches.append(batch)
    return Plan(batches=batches)


def in_batches(projects: Sequence[Unnamed]) -> list[list[Unnamed]]:
    return [list(projects[start : start + AT_ONCE]) for start in range(0, len(projects), AT_ONCE)]


def _most_it_costs(price: Price, batch: Sequence[Unnamed]) -> float:
    sent = estimate_tokens(questions.INSTRUCTIONS) + estimate_tokens(questions.question(batch))
    return price.of(Counted(input=sent, output=questions.room(batch)))


def cache_key(naming: Naming, batch: Sequence[Unnamed]) -> str:
    """One name for a question, the same for the same projects and titles, namer, model and prompt version.

    And the same file of answers: a run that finds this question asked must find the answer too.
    """
    asked = sorted(questions.sample_hash(project, naming.namer.key) for project in batch)
    asked.append(naming.known.identity if naming.known else "")
    digest = blake2b(msgspec.json.encode(asked), digest_size=12).hexdigest()
    return f"names/{KEY_VERSION}:{naming.namer.key}:{digest}"


def ask(naming: Naming, batch: Sequence[Unnamed]) -> Asked:
    """Have a batch named by a paid namer, and write down what it says."""
    namer = naming.namer
    if not isinstance(namer, PaidNamer) or naming.known is None or not batch:
        return Asked()
    brought = namer.ask(batch)
    usage = Counted(input=brought.input_tokens, output=brought.output_tokens).usage(naming.price)
    if brought.problem is None:
        naming.known.keep(batch, {one.project_id: one for one in brought.proposals}, namer.key)
    return Asked(named=len(brought.proposals), usage=usage, problem=brought.problem)


def said(naming: Naming, waiting: Sequence[Unnamed]) -> list[Proposal]:
    """What is proposed for these projects. The local namer fills in where a paid one had no name, not where it could
    not be asked yet."""
    if naming.known is None:
        return _all_from(naming.namer, waiting)
    known = naming.known.find(waiting, naming.namer.key)
    nameless = [project for project in waiting if known.get(project.project_id, project) is None]
    return [one for one in known.values() if one is not None] + _all_from(KeyPhrases(), nameless)


def _all_from(namer: Namer, projects: Sequence[Unnamed]) -> list[Proposal]:
    return [proposal for batch in in_batches(projects) for proposal in namer.propose(batch)]
