"""The local Prefect server: where it lives, who may talk to it, and how it starts and stops.

Nothing here imports Prefect: the server is started from the command line and asked over HTTP. It keeps its own home
under ours, listens on loopback, answers no other origin, and wants a password that only this person's processes know.
Prefect's default (any web page may read every block's secrets through it) is closed here.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from commonplace.config import Settings
from commonplace.errors import Halt, Refused
from commonplace.locked import locked
from commonplace.stack import processes
from commonplace.stack.api import Api
from commonplace.stack.processes import HOST, Process

START_SECONDS = 120.0
"""How long a server may take to start on a machine that has nothing else to do."""
PORTS_TRIED = 4
COMMAND = [sys.executable, "-P", "-m", "deployments.local_server"]
"""-P: a folder that one stands in may have packages of the same names."""


class NoServer(Halt):
    """No server answers, or not to us."""


class PortTaken(NoServer):
    """Somebody else was faster to a port that had been free."""


def folder(settings: Settings) -> Path:
    """Where the local server keeps its database, logs and password."""
    path = settings.home / "prefect"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def records(settings: Settings) -> Path:
    """Where the processes of this home are recorded."""
    return folder(settings) / "processes"


def password(settings: Settings, purpose: str) -> str:
    """A random secret of this installation, readable by its owner only; made on first use."""
    path = folder(settings) / purpose
    if not path.exists():
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(_new_secret(purpose))
    return path.read_text().strip()


def _new_secret(purpose: str) -> str:
    if purpose == "encryption-key":  # a Fernet key: 32 bytes, base64
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return f"commonplace:{secrets.token_urlsafe(24)}"


def api_url(server: Process) -> str:
    """Where a server's API is."""
    return f"{server.address}/api"


def login_url(server: Process, settings: Settings) -> str:
    """An address that opens the Prefect UI logged in. The password is in the fragment, which browsers do not send."""
    token = base64.b64encode(password(settings, "auth").encode()).decode()
    return f"{server.address}/commonplace/login#{token}"


def client_environment(server: Process, settings: Settings) -> dict[str, str]:
    """What a process of ours needs to talk to the local server."""
    return {
        "PREFECT_HOME": str(folder(settings)),
        "PREFECT_API_URL": api_url(server),
        "PREFECT_API_AUTH_STRING": password(settings, "auth"),
        "PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(folder(settings) / "results"),
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "commonplace",
        "PREFECT_WORKER_QUERY_SECONDS": "0.7",
        "PREFECT_WORKER_PREFETCH_SECONDS": "5",
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "PREFECT_CLIENT_MAX_RETRIES": "7",  # two minutes in all: on SQLite a server says 503 while it is busy
        "DO_NOT_TRACK": "1",
    }


def _server_environment(server: Process, settings: Settings) -> dict[str, str]:
    """What the server process is told: closed to other origins, quick to notice dead runs, and tidy."""
    keep_seconds = str(settings.maintain.keep_runs_days * 86_400)
    return {
        **client_environment(server, settings),
        "PREFECT_SERVER_API_HOST": HOST,
        "PREFECT_SERVER_API_PORT": str(server.port),
        "PREFECT_SERVER_API_AUTH_STRING": password(settings, "auth"),
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": server.address,
        "PREFECT_SERVER_UI_API_URL": api_url(server),
        "PREFECT_UI_URL": server.address,
        "PREFECT_UI_STATIC_DIRECTORY": str(folder(settings) / "ui"),
        "PREFECT_SERVER_ENCRYPTION_KEY": password(settings, "encryption-key"),
        # A run whose place was known to a server that died would be cancelled by the next one.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION": "30",
        "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "5",
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": keep_seconds,
    }


def running(settings: Settings) -> Process | None:
    """The local server, if its process lives and answers."""
    found = processes.recorded(records(settings), "server")
    return next((server for server in found if answers(server, settings)), None)


def answers(server: Process, settings: Settings) -> bool:
    """Whether the server at that port is ours: it knows our password. Another one may have taken the port."""
    return api(server, settings).knows_us()


def api(server: Process, settings: Settings) -> Api:
    """The server as something that can be asked."""
    return Api(api_url(server), password(settings, "auth"))


def request_run(server: Process, settings: Settings, flow: str, deployment: str) -> bool:
    """Ask for a run of a deployment as it is, which takes no parameters; whether the server took it.

    Whoever only asks for that need not import Prefect, which takes longer than all the rest.
    """
    named = {"flows": {"name": {"any_": [flow]}}, "deployments": {"name": {"any_": [deployment]}}}
    found = api(server, settings).ask("deployments/filter", named)
    if not isinstance(found, list) or len(found) != 1:
        return False
    return api(server, settings).ask(f"deployments/{found[0]['id']}/create_flow_run", {}) is not None


def is_local(settings: Settings) -> bool:
    """Whether the server of the environment is the one that this home started, which nobody else uses."""
    url = os.environ.get("PREFECT_API_URL")
    return url is None or url in {api_url(each) for each in processes.recorded(records(settings), "server")}


def ensure(settings: Settings) -> Process:
    """The local server, started once if it is not running. One that is still starting, or busy, is waited for."""
    with lock(settings, "lock"):
        for existing in processes.recorded(records(settings), "server"):
            with suppress(Halt):
                wait_until_ready(existing, settings)
                return existing
        for _ in range(PORTS_TRIED):
            server = start(settings)
            with suppress(PortTaken):
                wait_until_ready(server, settings)
                _write_profile(server, settings)
                return server
        raise Refused("Every port that was free was taken by others.", hint="Set `port` under [runs].")


def is_prepared(server: Process, settings: Settings) -> bool:
    """Whether this server, since it started, was told of our deployments."""
    try:
        return (folder(settings) / "prepared").read_text() == server.mark
    except OSError:
        return False


def note_prepared(server: Process, settings: Settings) -> None:
    """Remember that this server was told of our deployments."""
    (folder(settings) / "prepared").write_text(server.mark)


def _write_profile(server: Process, settings: Settings) -> None:
    """With `PREFECT_HOME` set to our folder, Prefect's own command speaks to this server."""
    known = {"PREFECT_API_URL": api_url(server), "PREFECT_API_AUTH_STRING": password(settings, "auth")}
    lines = [
        'active = "commonplace"',
        "[profiles.commonplace]",
        *(f'{name} = "{value}"' for name, value in known.items()),
    ]
    path = folder(settings) / "profiles.toml"
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")


def start(settings: Settings) -> Process:
    """Start the server process on a free port, without waiting for it."""
    chosen, note = settings.runs.port, folder(settings) / "server.port"
    port = processes.free_port(chosen, strictly=True) if chosen else processes.steady_port(note, 4200)
    planned = Process(name="server", pid=0, began="", port=port)
    return processes.start(
        "server",
        COMMAND,
        _server_environment(planned, settings),
        folder=records(settings),
        log=folder(settings) / "server.log",
        port=port,
    )


def wait_until_ready(server: Process, settings: Settings) -> None:
    """Wait until the server answers; one that does not in time is stopped."""
    began = time.monotonic()
    log = f"Its log is {folder(settings) / 'server.log'}."
    while not answers(server, settings):
        if not processes.is_alive(server):
            if not processes.is_free(server.port):
                raise PortTaken(f"Another program took port {server.port}.", hint="Try again.")
            raise NoServer("The local Prefect server ended while it was starting.", hint=log)
        if time.monotonic() - began > (limit := START_SECONDS * _crowding()):
            processes.stop(server)
            raise NoServer(f"The local Prefect server did not answer within {limit:.0f} s.", hint=log)
        time.sleep(0.1)


def _crowding() -> float:
    """How many programs want each of this machine's cores, at least one: everything takes so much longer."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1.0, load / (os.cpu_count() or 1))


def stop(settings: Settings, *, is_urgent: Callable[[], bool] = lambda: False) -> bool:
    """Stop the local server, ready or not; whether there was one. Its queues are written out first."""
    found = processes.recorded(records(settings), "server")
    processes.stop(*found, is_urgent=is_urgent)
    return bool(found)


def lock(settings: Settings, name: str) -> AbstractContextManager[None]:
    """Only one process at a time does what this lock stands for."""
    return locked(folder(settings) / name)


def drain(
    server: Process, settings: Settings, *, seconds: float = 15, is_urgent: Callable[[], bool] = lambda: False
) -> None:
    """Wait until the server has written what runs told it: task states arrive behind the runs they belong to.

    Drained means that the number of task runs stands still and that none of them waits for its end.
    """
    deadline = time.monotonic() + seconds
    before = -1
    while time.monotonic() < deadline and not is_urgent():
        unfinished = {"task_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING"]}}}}
        total = count_task_runs(server, settings, {})
        if total is None or (total == before and not count_task_runs(server, settings, unfinished)):
            return
        before = total
        time.sleep(0.7)


def count_task_runs(server: Process, settings: Settings, body: Mapping[str, object]) -> int | None:
    """How many task runs the server knows that fit a filter; None: it does not say."""
    count = api(server, settings).ask("task_runs/count", body)
    return count if isinstance(count, int) else None
