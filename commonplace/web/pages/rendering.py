"""From a template to a page. Everything that a template is given is escaped, but for what `reading` has cleaned."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import tzinfo
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from commonplace.archive import leases
from commonplace.archive.access.sessions import Session
from commonplace.moments import from_datetime, to_datetime
from commonplace.stack.history import Run
from commonplace.web.reading import legible
from commonplace.web.security import cookies, csrf
from commonplace.web.server import server_of
from commonplace.web.wording import maybe, say, show, with_code

WEB = Path(__file__).parents[1]
STATIC = WEB / "static"
ROOMS = (
    ("/", "home"),
    ("/import", "import"),
    ("/exports", "exports"),
    ("/conversations", "conversations"),
    ("/ask", "ask"),
    ("/review", "review"),
    ("/projects", "projects"),
    ("/categories", "categories"),
    ("/destinations", "destinations"),
    ("/insights", "insights"),
    ("/runs", "runs"),
    ("/connect", "connect"),
    ("/settings", "settings"),
    ("/account", "account"),
)
"""What the navigation leads to."""
ROOMS_OF_OTHERS = tuple(room for room in ROOMS if room[1] != "settings")
"""And where it leads who is not the server's owner."""
MESSAGES = ("kept", "noted", "undone", "removed", "lent", "due", "left", "restored")
"""What a page can be asked to say on top of it: whatever was just done, as `?told=`."""
_TO_THE_MINUTE, _TO_THE_SECOND = len("2026-03-01 09:30"), len("09:30:00")
_PLAIN = re.compile(r"""\{\{ say\(["']([a-z_.]+)["']\) \}\}""")


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page. Templates also get `session` (who is logged in), `guard` (a field that every form has) and `static`
    (addresses of files)."""
    page = HTMLResponse(fragment(request, template, banner=_banner(request), **values), status)
    cookies.keep_visit(request, page)
    return page


def fragment(request: Request, template: str, **values: Any) -> str:
    """A template, filled in."""
    told = request.query_params.get("told", "")
    settings, session = server_of(request).settings, _session(request)
    given = {
        **_times(settings.zone),
        "session": session,
        "guard": cache(partial(_guard, request)),
        "rooms": ROOMS if session and session.owner == settings.owner else ROOMS_OF_OTHERS,
        "here": _room(request.url.path),
        "just_done": say(f"told.{told}") if told in MESSAGES else "",
    }
    return legible(templates().get_template(template).render(**given, **values))


def _times(zone: tzinfo) -> dict[str, Callable[[int | None], str]]:
    """What templates tell of a moment: all of it, its day, and its time of day."""

    return {name: partial(tell, zone) for name, tell in (("moment", _moment), ("day", _day), ("clock", _clock))}


@lru_cache(maxsize=1000)
def _moment(zone: tzinfo, value: int | None) -> str:
    return "" if value is None else str(to_datetime(value, zone).replace(tzinfo=None))[:_TO_THE_MINUTE]


@lru_cache(maxsize=1000)
def _day(zone: tzinfo, value: int | None) -> str:
    return "" if value is None else str(to_datetime(value, zone).date())


def _clock(zone: tzinfo, value: int | None) -> str:
    return "" if value is None else str(to_datetime(value, zone).time())[:_TO_THE_SECOND]


def _session(request: Request) -> Session | None:
    return getattr(request.state, "session", None)


def _guard(request: Request) -> Markup:
    return Markup('<input type="hidden" name="csrf" value="{}">').format(csrf.token(request))


def _banner(request: Request) -> str:
    """What everybody should know who looks at a page now."""
    session = _session(request)
    at_work = server_of(request).at_work() if session else []
    if leases.restoring() in at_work:
        return say("banner.restoring")
    return say("banner.importing") if session and leases.importing(session.owner) in at_work else ""


def done(where: str, told: str = "") -> RedirectResponse:
    """On to a page of ours after something was done, which it tells."""
    path, mark, anchor = where.partition("#")
    question = f"{'&' if '?' in path else '?'}told={told}" if told else ""
    return RedirectResponse(f"{path}{question}{mark}{anchor}", 303)


@cache
def static(name: str) -> str:
    """The address of a file of ours, which changes with its content, so that browsers may keep it for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    stem, _, ending = name.rpartition(".")
    return f"/static/{stem}.{digest}.{ending}"


def _duration(seconds: float) -> str:
    """So long, as one would say it."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return say("run.left_seconds", n=max(1, round(seconds)))
    return say("run.left_minutes", n=minutes) if minutes < 120 else say("run.left_hours", n=round(minutes / 60))


def _lasted(seconds: float) -> str:
    """How long something took."""
    if seconds < 90:
        return say("runs.seconds", seconds=seconds)
    minutes, rest = divmod(round(seconds), 60)
    return say("runs.minutes", minutes=minutes, seconds=rest)


def _run_name(run: Run) -> str:
    """What a run does, in a person's words; Prefect's own name for it says nothing before it has begun."""
    flow = run.flow.removeprefix("commonplace-")
    if flow == "sync" and (destination := run.parameters.get("destination")):
        return say("run.write_to", destination=destination)
    return maybe(f"flows.{flow}", flow)


def _judge_name(judge: str) -> str:
    kind = judge.partition("/")[0]
    return maybe(f"judge_names.{kind}", kind)


def _stage_name(name: str) -> str:
    """A part of a run, as a person calls it."""
    if name.startswith("sync-"):
        return say("run.write_to", destination=name.removeprefix("sync-"))
    return maybe(f"stages.{name}", maybe(f"flows.{name}", name))


def _room(path: str) -> str:
    return f"/{path.split('/')[1]}"


def question(values: dict[str, Any], **changed: Any) -> str:
    """The query of an address, some of it changed; what is empty is left out."""
    return "&".join([_pair(name, value) for name, value in (values | changed).items() if value])


@lru_cache(maxsize=1000, typed=True)
def _pair(name: str, value: Any) -> str:
    return urlencode({name: value})


@lru_cache(maxsize=1000)
def _path(text: str) -> str:
    return quote(text, safe=":")


class _Worded(FileSystemLoader):
    """Words that need no values are put in when a template is read, and not each time that it is filled in."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source, path, is_current = super().get_source(environment, template)
        return _PLAIN.sub(lambda said: str(show(said[1])), source), path, is_current


@cache
def templates() -> Environment:
    """All of them, with the words and forms that any may use."""
    made = Environment(
        loader=_Worded(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(
        say=show,
        maybe=maybe,
        micro=from_datetime,
        stage_name=_stage_name,
        run_name=_run_name,
        lasted=_lasted,
        judge_name=_judge_name,
        duration=_duration,
        static=static,
        question=question,
    )
    made.filters.update(
        code=with_code,
        number=lambda value: f"{value:,}",
        percent=lambda value: f"{value:.0%}",
        path=_path,
        asks=lambda value, name: _pair(name, value),
        words=lambda value, page: maybe(f"{page}.{value}", value),
    )
    return made
