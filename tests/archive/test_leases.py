"""Leases: one run at a time, whatever happens to the one before."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, select, update

from commonplace.archive.core import Archive
from commonplace.archive.leases import AlreadyRunning, Lease, Lost, hold, importing, resumed, running, syncing
from commonplace.archive.opening import open_archive
from commonplace.archive.rows import put
from commonplace.archive.schema import leases, settings
from commonplace.errors import Halt, Refused
from commonplace.moments import now

HOLD_AND_STOP = """
import os, sys
from commonplace.archive.opening import open_archive
from commonplace.archive.leases import hold
with hold(open_archive(sys.argv[1]), "sync:markdown", seconds=3600):
    print("held", flush=True)
    sys.stdin.read()
"""


def _expiry(archive: Archive) -> int:
    with archive.read() as connection:
        return int(connection.execute(select(leases.c.expires_at)).scalar_one())


def remember(connection: Connection, name: str, value: str) -> None:
    put(connection, settings, [{"name": name, "value": value}])


def _set(archive: Archive, **values: object) -> None:
    with archive.write() as connection:
        connection.execute(update(leases).values(**values))


def test_a_second_holder_is_refused_and_told_who_has_it(archive: Archive) -> None:
    with hold(archive, "import:me"):
        with pytest.raises(
            AlreadyRunning, match=rf"Import \(me\) is already running \(process {os.getpid()} on "
        ) as refused:
            hold(archive, "import:me").__enter__()
        assert isinstance(refused.value, Refused)
        assert pickle.loads(pickle.dumps(refused.value)).message == refused.value.message  # noqa: S301
        with hold(archive, "import:you"):
            pass
    with hold(archive, "import:me"):
        pass


def test_it_is_released_when_the_block_fails(archive: Archive) -> None:
    with pytest.raises(ZeroDivisionError), hold(archive, "import:me"):
        raise ZeroDivisionError
    with archive.read() as connection:
        assert connection.execute(select(leases)).all() == []


def test_it_is_renewed_while_it_is_held(archive: Archive) -> None:
    renewed = threading.Event()
    with hold(archive, "import:me", seconds=0.4) as lease:
        first = _expiry(archive)
        for _ in range(200):
            if _expiry(archive) > first + 400_000:
                renewed.set()
                break
            threading.Event().wait(0.02)
        lease.check()
    assert renewed.is_set()


def test_one_that_ran_out_is_taken_over_and_its_holder_notices(archive: Archive) -> None:
    with hold(archive, "import:me") as old:
        _set(archive, expires_at=now() - 1)
        with hold(archive, "import:me") as new:
            old._good_until = 0  # the machine slept
            with pytest.raises(Halt, match="taken over"):
                old.check()
            new.check()
            with pytest.raises(Halt):
                old.check()
        with archive.read() as connection:
            assert connection.execute(select(leases)).all() == []


def test_what_was_taken_over_is_not_written_to_in_any_transaction(archive: Archive) -> None:
    with hold(archive, importing("me")) as old:
        old.archive.check()
        with old.archive.write() as connection:
            remember(connection, "mine", "1")
        _set(archive, expires_at=now() - 1)
        with hold(archive, importing("me")) as new:
            assert old._good_until > time.time(), "it has not noticed"
            with pytest.raises(Lost), old.archive.write() as connection:
                remember(connection, "mine", "2")
            with new.archive.write() as connection:
                remember(connection, "theirs", "1")
    with archive.read() as connection:
        assert connection.execute(select(settings.c.value).where(settings.c.name == "mine")).scalar() == "1"
    with pytest.raises(Lost):
        new.archive.check()


def test_a_lease_is_held_in_another_process_by_its_token(archive: Archive, archive_url: str) -> None:
    with hold(archive, syncing(archive.owner, "markdown:/home/me/My notes")) as lease:
        token = lease.archive.lease
        with open_archive(archive_url) as theirs:
            working = resumed(theirs, token)
            working.check()
            with working.write() as connection:
                remember(connection, "from there", "1")
            _set(archive, holder="elsewhere/1:1:1:abcd")
            with pytest.raises(Lost), working.write() as connection:
                remember(connection, "from there", "2")
            with pytest.raises(Lost):
                resumed(theirs, token).check()


def test_one_that_ran_out_but_that_nobody_took_goes_on(archive: Archive) -> None:
    with hold(archive, "import:me") as lease:
        _set(archive, expires_at=now() - 1)
        lease._good_until = 0
        lease.check()
        assert _expiry(archive) > now()


def test_a_killed_holder_of_this_machine_is_succeeded_at_once(archive: Archive, archive_url: str) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_AND_STOP, archive_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyRunning):
            hold(archive, "sync:markdown").__enter__()
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()
    with hold(archive, "sync:markdown"):
        pass


def test_a_holder_on_another_machine_is_given_its_time(archive: Archive) -> None:
    with hold(archive, "import:me"):
        _set(archive, holder="elsewhere/1:1:1:abcd")
        with pytest.raises(AlreadyRunning, match="process 1 on elsewhere,"):
            hold(archive, "import:me").__enter__()


@pytest.mark.parametrize("stranger", ["elsewhere/1:1:1:x", "elsewhere:::", "?"])
def test_a_clock_that_was_ahead_delays_the_next_holder_by_a_term_at_most(archive: Archive, stranger: str) -> None:
    with hold(archive, "import:me"):
        far = now() + 1_000 * 365 * 24 * 3600 * 1_000_000
        _set(archive, holder=stranger, acquired_at=far, expires_at=far)
        with pytest.raises(AlreadyRunning):
            hold(archive, "import:me").__enter__()
        assert _expiry(archive) <= now() + 60_000_000
        assert _expiry(archive) > now(), "its holder may live, and renews it in time"


def test_a_restore_waits_for_no_clock_that_was_far_ahead(archive: Archive) -> None:
    with hold(archive, "import:me"):
        _set(archive, holder="elsewhere/1:1:1:x")
        assert running(archive) == ["import:me"]
        _set(archive, expires_at=now() + 366 * 24 * 3600 * 1_000_000)
        assert running(archive) == []


def test_a_clock_that_was_behind_delays_nobody(archive: Archive) -> None:
    with hold(archive, "import:me"):
        _set(archive, holder="elsewhere/1:1:1:x", acquired_at=-(2**62), expires_at=-(2**62))
        with hold(archive, "import:me") as lease:
            lease.archive.check()
            assert _expiry(archive) > now()


@pytest.mark.parametrize("moment", [2**62, -(2**62)])
def test_a_holder_since_a_moment_outside_the_calendar_is_told_like_any_other(archive: Archive, moment: int) -> None:
    with hold(archive, "import:me"):
        _set(archive, holder="elsewhere/1:1:1:x", acquired_at=moment)
        with pytest.raises(AlreadyRunning, match="since "):
            hold(archive, "import:me").__enter__()


def test_a_process_id_that_was_used_again_is_not_mistaken_for_the_holder(archive: Archive) -> None:
    if not os.path.exists("/proc/self/stat"):  # noqa: PTH110
        pytest.skip("only Linux tells when a process started")
    with hold(archive, "import:me") as lease:
        host, pid, *_ = lease.holder.split(":")
        _set(archive, holder=f"{host}:{pid}:1:abcd")
        with hold(archive, "import:me"):
            pass


def test_of_many_that_ask_at_once_one_gets_it(archive: Archive, archive_url: str) -> None:
    start = threading.Barrier(6)

    def ask(_: int) -> Lease | None:
        with open_archive(archive_url) as mine:
            lease = Lease(mine, importing("me"), 60)
            start.wait()
            try:
                lease.take()
            except AlreadyRunning:
                return None
            lease._is_over.set()
            return lease

    with ThreadPoolExecutor(6) as threads:
        assert len([lease for lease in threads.map(ask, range(6)) if lease]) == 1
