"""The one module of the library that starts runs: flows in this process, or runs of deployments.

Runs go to `PREFECT_API_URL` if it is set, else to the local server, which is started if it is not running. Prefect
reads its settings when it is first imported, so the environment is put right before that.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from commonplace.config import Settings, load
from commonplace.errors import CommonplaceError, Halt, Refused
from commonplace.stack import processes, server, worker
from commonplace.stack.api import Api
from commonplace.stack.history import tag_of
from commonplace.stack.processes import Process
from commonplace.stack.schedules import TAG

FLOWS = {
    "import-exports": "flows.import_exports:import_exports",
    "watch": "flows.exports.watch:watch",
    "remind-export": "flows.exports.remind:remind_export",
    "embed": "flows.embed:embed",
    "categorize": "flows.categorize:categorize",
    "map-projects": "flows.map_projects:map_projects",
    "sync": "flows.sync:sync",
    "several": "flows.several.doing:several",
    "pipeline": "flows.pipeline:pipeline",
    "backfill": "flows.backfill:backfill",
    "maintain": "flows.maintain:maintain",
    "collect-batches": "flows.collect_batches:collect_batches",
    "receive-omi": "flows.receive_omi:receive_omi",
    "reconcile-omi": "flows.reconcile_omi:reconcile_omi",
    "deliver-hooks": "flows.hooks.delivering:deliver_hooks",
    "fill-store": "flows.stores.filling:fill_store",
}

OFTEN = {"watch", "remind-export", "receive-omi", "deliver-hooks"}
"""These run every few minutes, mostly for nothing."""


class NotAsked(Refused):
    """There is no such run to ask for: an unknown flow, deployment or parameter."""


class NotEnded(Halt):
    """A run that was waited for goes on."""


def connect(settings: Settings, told: Callable[[str], None] = lambda _: None) -> None:
    """Make this process speak to the right server; start the local one if that is it and it does not run."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    if url := os.environ.get("PREFECT_API_URL"):
        if not Api(url).is_healthy():
            raise server.NoServer(
                f"The Prefect server at {url} does not answer.",
                hint="Start it, correct PREFECT_API_URL, or unset it to use the local server; --direct does without.",
            )
        return
    if server.running(settings) is None:
        told("Starting the local Prefect server (once; `commonplace down` stops it)")
    running = server.ensure(settings)
    os.environ.update(server.client_environment(running, settings))
    prepare(running, settings)


def prepare(running: Process, settings: Settings, *, again: bool = False) -> None:
    """A local server learns our deployments, and which runs of its history died without a word: once after its start,
    or again, because settings may have changed."""
    with server.lock(settings, "preparing"):
        if server.is_prepared(running, settings) and not again:
            return
        from deployments.apply import apply

        apply(settings)
        reap(settings)
        server.note_prepared(running, settings)


def reap(settings: Settings) -> int:
    """Mark runs of the local server as crashed whose process is gone; how many there were."""
    from deployments import dead_runs

    return dead_runs.reap(processes.recorded(server.records(settings), worker.NAME))


def run_here(name: str, **parameters: Any) -> dict[str, Any]:
    """Run a flow in this process; its report, also of a run that failed. One that has none raises what it failed with.

    What went wrong is told by whoever called: the terminal is not for Prefect's own log, which its UI shows.
    """
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    flow = _flow(name).with_options(name=_name_on_server(name), on_running=[_sign])
    from prefect import tags

    from flows import turns
    from flows.running import RunFailed

    goes_first = [] if name == "backfill" else [turns.COMMAND]
    try:
        with tags(*goes_first):
            report: dict[str, Any] = flow(**parameters)
    except RunFailed as failed:
        return failed.report
    except CommonplaceError:
        raise
    except Exception as error:
        raise Halt(
            f"The run of {name} failed: {type(error).__name__}.", hint="Its log is in the Prefect UI."
        ) from error
    return report


def _sign(_flow: Any, flow_run: Any, _state: Any) -> None:
    """Write onto a run which process it lives in: a worker does that for the runs it starts."""
    from prefect import get_client

    with get_client(sync_client=True) as client:
        client.update_flow_run(flow_run.id, infrastructure_pid=processes.this("command").mark)


def _name_on_server(flow: str) -> str:
    """What one of our flows is called on the server that this process speaks to."""
    from deployments.definitions import name_of

    return name_of(flow, is_local=server.is_local(load()[0]))


def _flow(name: str) -> Any:
    if name not in FLOWS:
        raise NotAsked(f"There is no flow {name!r}.", hint=f"Use one of: {', '.join(FLOWS)}.")
    module, _, attribute = FLOWS[name].partition(":")
    return getattr(import_module(module), attribute)


def seldom() -> list[str]:
    """The flows that run when there is something to do, by their names here and on servers that others share."""
    names = sorted(FLOWS.keys() - OFTEN)
    return names + [f"{TAG}-{name}" for name in names]


def parse_parameters(pairs: list[str]) -> dict[str, Any]:
    """`key=value` pairs; a value that is JSON is taken as such, anything else as text."""
    parameters = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise NotAsked(f"{pair!r} is not a parameter.", hint="Use --param since=2026-01-01.")
        try:
            parameters[key] = json.loads(value)
        except ValueError:
            parameters[key] = value
    return parameters


class Started:
    """A run that was asked for."""

    def __init__(self, identity: str, name: str) -> None:
        self.id = identity
        self.name = name


def start(name: str, parameters: dict[str, Any], *, called: str | None = None, lent_in: str | None = None) -> Started:
    """Ask for a run of a deployment: `pipeline`, or `pipeline/nightly`. What it is `called` it stays. A run for a user
    has that user's tag from its beginning.

    `lent_in` names the session whose lent key it works with; Prefect is told that name alone.
    """
    flow, _, deployment = name.partition("/")
    _check_parameters(flow, parameters)
    full = f"{_name_on_server(flow)}/{deployment or default_deployment(flow)}"
    try:
        return _request(full, parameters, called, lent_in)
    except NotAsked:
        settings, _ = load()
        if not server.is_local(settings):
            raise
        from deployments.apply import apply

        apply(settings)  # what there is to choose from may have changed since
        return _request(full, parameters, called, lent_in)


def _request(full: str, parameters: dict[str, Any], called: str | None, lent_in: str | None) -> Started:
    from prefect import get_client
    from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

    with get_client(sync_client=True) as client:
        try:
            found = client.read_deployment_by_name(full)
            run = client.create_flow_run_from_deployment(
                found.id,
                parameters=parameters,
                name=called,
                tags=[tag_of(parameters["owner"])] if parameters.get("owner") else [],
                job_variables=_variables(lent_in),
            )
        except ObjectNotFound as exc:
            raise NotAsked(f"There is no deployment {full!r}.", hint="`commonplace up` applies them.") from exc
        except PrefectHTTPStatusError as exc:
            if exc.response.status_code in {401, 403}:
                raise server.NoServer("The server wants a password.", hint="Set PREFECT_API_AUTH_STRING.") from exc
            if exc.response.status_code >= 500:
                raise server.NoServer("The server is too busy to take the run.", hint="Try again later.") from exc
            raise NotAsked(f"The server refused the parameters of {full}: {_detail(exc)}") from exc
    return Started(str(run.id), run.name)


def _variables(lent_in: str | None) -> dict[str, Any] | None:
    from commonplace.lent import VARIABLE

    return {"env": {VARIABLE: lent_in}} if lent_in else None


def default_deployment(flow: str) -> str:
    """The one that is meant where a person names the flow alone."""
    only = {"maintain": "weekly", "collect-batches": "scheduled", "deliver-hooks": "scheduled"}
    return only.get(flow, "on-demand")


def _check_parameters(flow: str, parameters: dict[str, Any]) -> None:
    """A wrong name or type is told here, before a run is made that can only fail."""
    from prefect.exceptions import ParameterTypeError, SignatureMismatchError

    known = _flow(flow)
    unknown = sorted(set(parameters) - set(known.parameters.properties))
    if unknown:
        names = ", ".join(known.parameters.properties)
        raise NotAsked(f"{flow} has no parameter {unknown[0]!r}.", hint=f"It has: {names}.")
    missing = sorted(set(known.parameters.required or []) - set(parameters))
    if missing:
        raise NotAsked(f"{flow} needs the parameter {missing[0]!r}.", hint=f"Add --param {missing[0]}=...")
    try:
        known.validate_parameters(parameters)
    except (ParameterTypeError, SignatureMismatchError, ValueError) as exc:
        wrong = [line.strip() for line in str(exc).splitlines() if line.strip()]
        raise NotAsked(f"{flow}: {' '.join(wrong[1:4])}") from exc


def _detail(error: Any) -> str:
    try:
        return str(error.response.json().get("detail", error))
    except ValueError:
        return str(error)


def get_ready(name: str) -> None:
    """Load what asking for a run of a flow takes: seconds, in which somebody may still be choosing a file.

    Only where it is known already which server this process speaks to: Prefect reads that when it is loaded.
    """
    if "PREFECT_API_URL" in os.environ:
        _flow(name)


def cancel(identity: str) -> None:
    """Ask for the end of a run. It has ended when its state says so."""
    from uuid import UUID

    from prefect import get_client
    from prefect.states import Cancelling

    with get_client(sync_client=True) as client:
        client.set_flow_run_state(UUID(identity), Cancelling())


class Ended:
    """How a run ended."""

    def __init__(self, *, is_completed: bool, state: str, message: str, name: str) -> None:
        self.is_completed = is_completed
        self.state = state
        self.message = message
        self.name = name


def watch(
    started: Started, *, timeout_seconds: float | None = None, meanwhile: Callable[[], None] = lambda: None
) -> Ended:
    """Wait until a run has ended, and do something else between the looks."""
    from uuid import UUID

    from prefect import get_client

    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    with get_client(sync_client=True) as client:
        while True:
            run = client.read_flow_run(UUID(started.id))
            if run.state is not None and run.state.is_final():
                state = run.state
                return Ended(
                    is_completed=state.is_completed(),
                    state=state.name or "",
                    message=state.message or "",
                    name=run.name,
                )
            if deadline is not None and time.monotonic() > deadline:
                raise NotEnded(
                    f"The run {run.name} has not ended after {timeout_seconds:.0f} s.",
                    hint="It continues; follow it in the Prefect UI.",
                )
            meanwhile()
            time.sleep(0.3)


def save_block(service: str, fields: dict[str, Any]) -> str:
    """Save a service's credentials as its block named `default`; the block's name."""
    import blocks

    kind: Any = blocks.ALL[service]
    block = kind(**fields)
    try:
        kind.register_type_and_schema()
        block.save("default", overwrite=True)
    except Exception as error:  # the client's own errors are many, and may quote what was sent
        raise Halt(f"Prefect did not keep the block ({type(error).__name__}).", hint="Try again later.") from None
    return f"{kind.get_block_type_slug()}/default"
