"""What a run leaves for a person to look at: a summary table and a Markdown report. No titles, no text, no secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

MOST_PROBLEMS = 200
_BAR = 24


def publish(stage: str, summary: Mapping[str, Any], sections: Iterable[str] = ()) -> None:
    """The two artifacts of a run. `stage` names them, so that a stage's reports form a history."""
    shown = [(key.replace("_", " "), value) for key, value in summary.items()]
    rows = [{"what": what, "value": value} for what, value in shown]
    create_table_artifact(rows, key=f"commonplace-{stage}-summary", description=f"What `{stage}` did")
    create_markdown_artifact(
        "\n\n".join([f"# {stage.capitalize()}", table(["what", "value"], shown), *sections]),
        key=f"commonplace-{stage}-report",
        description=f"The report of `{stage}`",
    )


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; bars in cells that could break it are escaped."""
    lines = ["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def chart(title: str, counts: Mapping[str, int]) -> str:
    """A bar chart of counts that any Markdown viewer shows."""
    most = max(counts.values(), default=0)
    rows = [(name, "█" * max(1, round(_BAR * count / most)) if count else "", count) for name, count in counts.items()]
    return f"## {title}\n\n" + table(["", "", "count"], rows)


def problems(title: str, rows: Sequence[Sequence[Any]], headings: Sequence[str], *, total: int = 0) -> list[str]:
    """A section that names what went wrong and why, if anything did; `total` when these are not all."""
    if not rows:
        return []
    shown = rows[:MOST_PROBLEMS]
    total = max(total, len(rows))
    more = f"\n\nand {total - len(shown)} more" if total > len(shown) else ""
    return [f"## {title}\n\n" + table(headings, shown) + more]


def links(title: str, rows: Sequence[tuple[str, str, str]], *, total: int, location: str | None) -> list[str]:
    """A section of (what, what became of it, address) with links, of `total` that there are, and where all of it is."""
    if not rows and not location:
        return []
    parts = [f"## {title}"]
    if rows:
        shown = [(what, state, f"[open]({address})") for what, state, address in rows]
        parts.append(table(["conversation", "", "page"], shown))
        if total > len(rows):
            parts.append(f"and {total - len(rows)} more")
    if location:
        parts.append(f"All of it: {f'[open]({location})' if location.startswith('https://') else f'`{location}`'}")
    return ["\n\n".join(parts)]


def _cell(value: Any) -> str:
    return str("" if value is None else value).replace("|", "\\|").replace("\n", " ")
