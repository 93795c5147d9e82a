"""The processes of the local stack: each is recorded as soon as it is there, and known by more than its number.

Numbers of processes are given out again: at once where a container is restarted. So a record holds the number and the
moment the process began; what began at another moment is a stranger, which is neither waited for nor stopped. There is
one file per process, and it stays for as long as anything that the process started is still running.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

import msgspec
import psutil

from commonplace.errors import Refused

HOST = "127.0.0.1"
STOP_SECONDS = 20.0
INTERRUPTS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What ends a program that a person or the system wants to end. SIGHUP: the terminal was closed."""

_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
_children: dict[str, subprocess.Popen[bytes]] = {}
"""The processes that this one started and whose exit codes are still to be collected, by mark."""


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One process: what it is for, its number, and when it began."""

    name: str
    pid: int
    began: str
    port: int = 0
    leads: bool = False
    """Whether what it starts belongs to it alone, because it has a session of its own."""

    @property
    def address(self) -> str:
        """Where it listens, if it does."""
        return f"http://{HOST}:{self.port}"

    @property
    def mark(self) -> str:
        """The number and the beginning, as one word."""
        return f"{self.pid}@{self.began}"


def this(name: str) -> Process:
    """The process that asks."""
    return Process(name=name, pid=os.getpid(), began=_began(os.getpid()) or "")


def start(
    name: str, command: list[str], environment: Mapping[str, str], *, folder: Path, log: Path, port: int = 0
) -> Process:
    """Start a process of its own session, so that a Ctrl-C in the terminal reaches us and not it, and record it."""
    with log.open("ab") as output, _signals_wait():
        child = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        process = Process(name=name, pid=child.pid, began=_began(child.pid) or "", port=port, leads=True)
        record(folder, process)
        _children[process.mark] = child
    return process


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Signals that come in between are delivered at the end: nothing is started without being recorded."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.signal(number, note) for number in INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


def record(folder: Path, process: Process) -> None:
    """Write down a process."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = _path(folder, process)
    unfinished = path.with_suffix(".new")
    unfinished.write_bytes(msgspec.json.encode(process))
    unfinished.replace(path)


@contextmanager
def recording(folder: Path, process: Process) -> Iterator[None]:
    """It is on record as long as the block runs."""
    record(folder, process)
    try:
        yield
    finally:
        forget(folder, process)


def recorded(folder: Path, *names: str) -> list[Process]:
    """What is recorded and still there, by any of the names; records of what is gone are removed."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            process = msgspec.json.decode(path.read_bytes(), type=Process)
        except (OSError, msgspec.DecodeError):
            continue
        if is_gone(process):
            forget(folder, process)
        elif not names or process.name in names:
            found.append(process)
    return found


def forget(folder: Path, process: Process) -> None:
    """Remove the record of a process."""
    _path(folder, process).unlink(missing_ok=True)


def _path(folder: Path, process: Process) -> Path:
    return folder / f"{process.pid}.json"


def is_alive(process: Process) -> bool:
    """Whether it runs: the same process, and not merely its exit code waiting to be collected."""
    if process.began and _began(process.pid) == process.began:
        return True
    if child := _children.pop(process.mark, None):
        child.wait()
    return False


def there_since(process: Process) -> datetime | None:
    """When it began, by the clock; None where it does not run."""
    if not is_alive(process):
        return None
    began = process.began.split()[-1]
    if not psutil.LINUX:
        return datetime.fromtimestamp(float(began), UTC)
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(began) / os.sysconf("SC_CLK_TCK")
    return datetime.now(UTC) - timedelta(seconds=age)


def is_marked_alive(mark: str) -> bool:
    """Whether the process with this mark runs."""
    pid, _, began = mark.partition("@")
    return pid.isdigit() and bool(began) and _began(int(pid)) == began


def variable_of_all(name: str) -> set[str]:
    """The values that a variable has in the environments of this person's processes."""
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if value := process.environ().get(name):
                found.add(value)
    return found


def is_gone(process: Process) -> bool:
    """Whether neither it nor anything that it started is left."""
    return not is_alive(process) and not _left_behind(process)


def stop(*found: Process, seconds: float = STOP_SECONDS, is_urgent: Callable[[], bool] = lambda: False) -> None:
    """Ask processes to end, with everything in their sessions; insist after a while, or as soon as it is urgent.

    Each is asked once: to some, being asked again means that they shall not finish what they are at.
    """
    for process in found:
        _send(process, signal.SIGTERM)
    wait_for_end(*found, seconds=seconds, unless=is_urgent)
    kill(*found)


def kill(*found: Process) -> None:
    """End processes and everything in their sessions at once."""
    for process in found:
        _send(process, _KILL)
    wait_for_end(*found, seconds=STOP_SECONDS)


def wait_for_end(*found: Process, seconds: float, unless: Callable[[], bool] = lambda: False) -> None:
    """Wait until processes and everything that they started are gone, or the time is up."""
    deadline = time.monotonic() + seconds
    while not all(map(is_gone, found)) and time.monotonic() < deadline and not unless():
        time.sleep(0.05)


def _send(process: Process, number: int) -> None:
    """Send a signal to a process and its session, unless its number belongs to a stranger by now."""
    if is_gone(process):
        return
    with suppress(OSError, psutil.NoSuchProcess):
        if not process.leads:
            os.kill(process.pid, number)
        elif hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        else:
            leader = psutil.Process(process.pid)
            for each in [*leader.children(recursive=True), leader]:
                each.terminate()


def _left_behind(process: Process) -> bool:
    """Whether others of its session live on after it. Its number is not given to a stranger meanwhile."""
    if not process.leads or not hasattr(os, "getpgid") or _began(process.pid) is not None:
        return False
    for other in psutil.pids():
        with suppress(OSError):
            if other != process.pid and os.getpgid(other) == process.pid and _began(other) is not None:
                return True
    return False


def _began(pid: int) -> str | None:
    """When a process began, in a form that no other process of its number will have; None: there is none."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        if psutil.LINUX:  # counted from the machine's start: a clock that is put right does not move it
            ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
            return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {ticks}"
        return str(process.create_time())
    except (psutil.NoSuchProcess, OSError):
        return None


def steady_port(note: Path, preferred: int) -> int:
    """The port of the last time where it is free, else the next free one from `preferred` on: what is open in a browser
    finds us there again, whoever had `preferred` meanwhile."""
    with suppress(OSError, ValueError):
        asked, had = map(int, note.read_text().split())
        if asked == preferred and is_free(had):
            return had
    port = free_port(preferred)
    note.write_text(f"{preferred} {port}\n")
    return port


def free_port(preferred: int, *, strictly: bool = False) -> int:
    """`preferred` if nothing listens there, else the next free port; strictly: that one or an error."""
    for port in range(preferred, min(preferred + (1 if strictly else 50), 1 << 16)):
        if is_free(port):
            return port
    raise Refused(f"Port {preferred} is in use.", hint="Set another `port` under [runs] in commonplace.toml, or 0.")


def is_free(port: int) -> bool:
    """Whether nothing listens there."""
    with socket.socket() as probe, suppress(OSError, OverflowError):
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        return True
    return False
