"""Categorizing without Prefect: what it would cost, and doing it in this process."""

from __future__ import annotations

from typing import Any

from commonplace.cli.options import selection
from commonplace.cli.output import Output, aside, plain, print_json, show_counts
from commonplace.config import load
from commonplace.session import open_session


def preview(bounds: dict[str, Any], options: dict[str, Any]) -> None:
    """How many conversations, tokens and dollars, before anything is sent."""
    settings, _ = load()
    if (options["judge"] or settings.categorize.judge) == "openai-batch":
        # A batch asks what `openai` asks, at half the price.
        _show_plan(_plan(bounds, {**options, "judge": "openai"}), share=0.5)
    else:
        _show_plan(_plan(bounds, options), share=1.0)


def _plan(bounds: dict[str, Any], options: dict[str, Any]) -> Any:
    from commonplace.stages.categorizing import stage
    from commonplace.stages.categorizing.judges import open_judging

    with (
        open_session() as (settings, environment, archive),
        open_judging(settings, environment, archive, judge=options["judge"], taxonomy=options["taxonomy"]) as judging,
    ):
        return stage.preview(
            archive,
            judging.answers,
            judging.judge,
            judging.taxonomy,
            selection(settings, **bounds),
            upgrade=options["upgrade"],
        )


def _show_plan(plan: Any, *, share: float) -> None:
    price = round(plan.usage.cost_usd * share, 4)
    if Output.as_json:
        print_json({**plain(plan), "cost_usd": price})
        return
    tokens = plan.usage
    show_counts(
        f"{plan.judge} would judge",
        {
            "conversations": plan.pending,
            "answered before": plan.already_answered,
            "unchanged": plan.unchanged,
            "input tokens": tokens.input_tokens,
            "output tokens": tokens.output_tokens,
            "US dollars": f"{price:.2f}",
        },
    )


def categorize_directly(bounds: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """The stage alone, in this process."""
    from commonplace.archive.leases import hold
    from commonplace.stages.categorizing import stage
    from commonplace.stages.categorizing.judges import open_judging

    if (options["judge"] or load()[0].categorize.judge) == "local":
        learn(options["taxonomy"])
    with (
        open_session() as (settings, environment, archive),
        open_judging(settings, environment, archive, judge=options["judge"], taxonomy=options["taxonomy"]) as judging,
        hold(archive, f"categorize:{archive.owner}"),
        aside.status("Categorizing") as status,
    ):
        budget = settings.categorize.max_cost if options["max_cost"] is None else options["max_cost"]
        report = stage.categorize(
            archive,
            judging.answers,
            judging.judge,
            judging.taxonomy,
            selection(settings, **bounds),
            upgrade=options["upgrade"],
            max_cost=budget,
            review_below=settings.categorize.review_below,
            on_progress=lambda done, total: status.update(f"Categorizing {done:,} of {total:,}"),
        )
        return dict(plain(report))


def learn(taxonomy: str | None) -> dict[str, Any]:
    """Teach the local judge what was corrected since the last time."""
    from commonplace.archive.leases import hold
    from commonplace.stages.categorizing import learning

    with (
        open_session() as (settings, _, archive),
        hold(archive, f"categorize:{archive.owner}"),
        aside.status("Learning"),
    ):
        return dict(plain(learning.learn(settings, archive, taxonomy)))
