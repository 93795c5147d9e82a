"""Passwords: hashed with Argon2id, hashed anew when the recommended cost has grown, checked in equal time for all."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from commonplace.errors import Refused

if TYPE_CHECKING:
    from pwdlib import PasswordHash

SHORTEST, LONGEST = 12, 256


def hash_password(password: str) -> str:
    """Refused when it is too easy to guess."""
    if len(password) < SHORTEST:
        raise Refused(
            f"The password is too short: at least {SHORTEST} characters.", hint="Four random words work well."
        )
    if len(password) > LONGEST:
        raise Refused(f"The password is too long: at most {LONGEST} characters.")
    if len(set(password)) < 5:
        raise Refused("The password repeats the same few characters.", hint="Four random words work well.")
    return _hasher().hash(password)


def check_password(password: str, stored: str | None) -> tuple[bool, str | None]:
    """Whether it is the one, and a new hash to store if the old one is weaker than what is recommended today.

    Without a stored hash the same work is done, so that the time taken does not tell who has an account.
    """
    is_right, renewed = _hasher().verify_and_update(password[: LONGEST + 1], stored or _nobodys())
    return (is_right, renewed) if stored else (False, None)


@cache
def _hasher() -> PasswordHash:
    from pwdlib import PasswordHash

    return PasswordHash.recommended()


@cache
def _nobodys() -> str:
    return _hasher().hash("nobody has this password")
