"""The local Prefect server and worker: which processes run, where, and how to talk to them.

Nothing here imports Prefect: processes are started from the command line and asked over HTTP. The server keeps its
own home under ours, listens on loopback, answers no other origin, and wants a password that only this person's
processes know. Prefect's default (any web page may read every block's secrets through it) is closed here.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from commonplace.config import Settings
from commonplace.errors import Halt, Refused

HOST = "127.0.0.1"
WORK_POOL = "commonplace"
START_TIMEOUT_SECONDS = 120
STOP_TIMEOUT_SECONDS = 20
PORTS_TRIED = 4


class PortTaken(Halt):
    """Somebody else was faster to a port that had been free."""


_children: dict[int, subprocess.Popen[bytes]] = {}
"""The processes that this one started: asking after them also collects their exit codes."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """The local server as its state file describes it."""

    pid: int
    port: int
    version: str = "1"

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self.port}/api"


def folder(settings: Settings) -> Path:
    """Where the local server keeps its database, logs and password."""
    path = settings.home / "prefect"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


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
        import base64

        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return f"commonplace:{secrets.token_urlsafe(24)}"


def login_url(running: Running, settings: Settings) -> str:
    """An address that opens the Prefect UI logged in. The password is in the fragment, which browsers do not send."""
    import base64

    token = base64.b64encode(password(settings, "auth").encode()).decode()
    return f"http://{HOST}:{running.port}/commonplace/login#{token}"


def client_environment(running: Running, settings: Settings) -> dict[str, str]:
    """What a process of ours needs to talk to the local server."""
    return {
        "PREFECT_HOME": str(folder(settings)),
        "PREFECT_API_URL": running.api_url,
        "PREFECT_API_AUTH_STRING": password(settings, "auth"),
        "PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(folder(settings) / "results"),
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "commonplace",
        "PREFECT_WORKER_QUERY_SECONDS": "0.7",
        "PREFECT_WORKER_PREFETCH_SECONDS": "5",
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }


def server_environment(running: Running, settings: Settings) -> dict[str, str]:
    """What the server process is told: closed to other origins, quick to notice dead runs, and tidy."""
    origin = f"http://{HOST}:{running.port}"
    keep_seconds = str(settings.maintain.keep_runs_days * 86_400)
    return {
        **client_environment(running, settings),
        "PREFECT_SERVER_API_HOST": HOST,
        "PREFECT_SERVER_API_PORT": str(running.port),
        "PREFECT_SERVER_API_AUTH_STRING": password(settings, "auth"),
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": origin,
        "PREFECT_SERVER_UI_API_URL": running.api_url,
        "PREFECT_UI_URL": origin,
        "PREFECT_SERVER_ENCRYPTION_KEY": password(settings, "encryption-key"),
        "PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION": "30",
        "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "5",
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": keep_seconds,
    }


def running_server(settings: Settings) -> Running | None:
    """The local server, if its process lives and answers."""
    try:
        found = msgspec.json.decode((folder(settings) / "server.json").read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        return None
    return found if is_alive(found.pid) and answers(found, settings) else None


def answers(running: Running, settings: Settings) -> bool:
    """Whether the server at that port is ours: it knows our password. Another one may have taken the port."""
    request = urllib.request.Request(f"{running.api_url}/admin/version", headers=_login(settings))  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
            return bool(reply.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _login(settings: Settings) -> dict[str, str]:
    import base64

    return {"Authorization": f"Basic {base64.b64encode(password(settings, 'auth').encode()).decode()}"}


def is_reachable(api_url: str) -> bool:
    """Whether a Prefect server answers at this address."""
    if not api_url.startswith(("http://", "https://")):
        return False
    try:
        with urllib.request.urlopen(f"{api_url.rstrip('/')}/health", timeout=5) as reply:  # noqa: S310
            return bool(reply.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def ensure_server(settings: Settings) -> tuple[Running, bool]:
    """The local server, started once if it is not running; and whether this call started it."""
    with starting_lock(settings):
        existing = running_server(settings)
        if existing is not None:
            return existing, False
        for _ in range(PORTS_TRIED):
            process, running = start_server(settings)
            with suppress(PortTaken):
                wait_until_ready(process, running, settings)
                _write_profile(running, settings)
                return running, True
        raise Refused("Every port that was free was taken by others.", hint="Set `port` under [runs].")


def _write_profile(running: Running, settings: Settings) -> None:
    """With `PREFECT_HOME` set to our folder, Prefect's own command speaks to this server."""
    known = {"PREFECT_API_URL": running.api_url, "PREFECT_API_AUTH_STRING": password(settings, "auth")}
    lines = [
        'active = "commonplace"',
        "[profiles.commonplace]",
        *(f'{name} = "{value}"' for name, value in known.items()),
    ]
    path = folder(settings) / "profiles.toml"
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")


def start_server(settings: Settings) -> tuple[subprocess.Popen[bytes], Running]:
    """Start the server process on a free port, without waiting for it."""
    port = free_port(settings.runs.port or 4200, strictly=bool(settings.runs.port))
    running = Running(pid=0, port=port)
    process = start_process(
        [sys.executable, "-m", "deployments.local_server"],
        server_environment(running, settings),
        folder(settings) / "server.log",
    )
    started = Running(pid=process.pid, port=port)
    (folder(settings) / "server.json").write_bytes(msgspec.json.encode(started))
    return process, started


def start_process(command: list[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """A process of its own session, so that a Ctrl-C in the terminal reaches us and not it."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children[process.pid] = process
    return process


def wait_until_ready(process: subprocess.Popen[bytes], running: Running, settings: Settings) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not answers(running, settings):
        if process.poll() is not None:
            if is_reachable(running.api_url):
                raise PortTaken(f"Another server took port {running.port}.", hint="Try again.")
            raise Halt(
                f"The local Prefect server ended with code {process.returncode} while starting.",
                hint=f"Its log is {folder(settings) / 'server.log'}.",
            )
        if time.monotonic() > deadline:
            stop_process(process.pid)
            raise Halt(
                f"The local Prefect server did not answer within {START_TIMEOUT_SECONDS} s.",
                hint=f"Its log is {folder(settings) / 'server.log'}.",
            )
        time.sleep(0.1)


def start_worker(running: Running, settings: Settings) -> subprocess.Popen[bytes]:
    """What executes runs: Prefect's own process worker on our work pool."""
    environment = {
        **client_environment(running, settings),
        "PREFECT_LOGGING_LEVEL": "INFO",
        "COMMONPLACE_HOME": str(settings.home),
        "COMMONPLACE_DATABASE_URL": settings.database_url,
        "COMMONPLACE_FILES": settings.files,
    }
    if settings.config_file is not None:
        environment["COMMONPLACE_CONFIG"] = str(settings.config_file)
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", WORK_POOL, "--type", "process"]
    return start_process(command, environment, folder(settings) / "worker.log")


def is_up(settings: Settings) -> bool:
    """Whether a `commonplace up` of this home is running."""
    return (pid := _up_pid(settings)) is not None and is_alive(pid)


def _up_pid(settings: Settings) -> int | None:
    try:
        return int((folder(settings) / "up.pid").read_text())
    except (OSError, ValueError):
        return None


@contextmanager
def marked_as_up(settings: Settings) -> Iterator[None]:
    """Leave a note that says which process keeps the stack, for as long as the block runs."""
    note = folder(settings) / "up.pid"
    note.write_text(str(os.getpid()))
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def ask_up_to_stop(settings: Settings, *, seconds: float = 35) -> bool:
    """End a running `commonplace up` the way Ctrl-C does; whether there was one."""
    pid = _up_pid(settings)
    if pid is None or not is_alive(pid):
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    return True


def stop_server(settings: Settings) -> bool:
    """Stop the local server, if one runs. Its queues are written out first."""
    try:
        found = msgspec.json.decode((folder(settings) / "server.json").read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        return False
    was_running = is_alive(found.pid) and answers(found, settings)
    if was_running:
        stop_process(found.pid)
    (folder(settings) / "server.json").unlink(missing_ok=True)
    return was_running


def stop_process(pid: int, *, seconds: float = STOP_TIMEOUT_SECONDS) -> None:
    """Ask a process to end, with everything in its session; insist after a while."""
    for sign in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        _signal_group(pid, sign)
        deadline = time.monotonic() + seconds
        while is_alive(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not is_alive(pid):
            return


def kill(pid: int) -> None:
    """End a process and everything in its session at once."""
    _signal_group(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def _signal_group(pid: int, sign: int) -> None:
    try:
        if hasattr(os, "killpg"):
            os.killpg(pid, sign)
        else:
            os.kill(pid, sign)
    except (ProcessLookupError, PermissionError, OSError):
        return


def is_alive(pid: int) -> bool:
    """Whether a process exists and has not merely left its exit code behind."""
    if pid in _children:
        return _children[pid].poll() is None
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OSError):
        return False
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False


def free_port(preferred: int, *, strictly: bool = False) -> int:
    """`preferred` if nothing listens there, else the next free port; strictly: that one or an error."""
    for port in range(preferred, preferred + (1 if strictly else 50)):
        with socket.socket() as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise Refused(f"Port {preferred} is in use.", hint="Set another `port` under [runs] in commonplace.toml, or 0.")


@contextmanager
def starting_lock(settings: Settings) -> Iterator[None]:
    """Only one process at a time starts or stops the local server."""
    with (folder(settings) / "lock").open("a+") as file:
        if os.name == "posix":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def wait_until_drained(running: Running, settings: Settings, *, seconds: float = 15) -> None:
    """Wait until the server has written what runs told it: task states arrive behind the runs they belong to.

    Drained means that the number of task runs stands still and that none of them waits for its end.
    """
    deadline = time.monotonic() + seconds
    before = -1
    while time.monotonic() < deadline:
        unfinished = {"task_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING"]}}}}
        total = count_task_runs(running, settings, {})
        if total is None or (total == before and not count_task_runs(running, settings, unfinished)):
            return
        before = total
        time.sleep(0.7)


def count_task_runs(running: Running, settings: Settings, body: Mapping[str, object]) -> int | None:
    request = urllib.request.Request(  # noqa: S310
        f"{running.api_url}/task_runs/count",
        data=msgspec.json.encode(body),
        headers=_login(settings) | {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
            return int(reply.read())
    except (OSError, ValueError):
        return None
