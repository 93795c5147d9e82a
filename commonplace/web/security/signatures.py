"""How OMI proves that a delivery is its own: a signature over time, uid and the raw body, or a secret in the address.

`X-Omi-Signature: t=<unix>,v1=<hex>[,v1=<hex>]`, where v1 is HMAC-SHA256 over `<t>.<uid>.` and the body. Two values come
while a secret is being changed. Self-hosted OMIs also send notifications, whose header has the same name and another
form (`sha256=<hex>`): those are none of ours, and no attempt to deceive us either.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence

from commonplace.web.errors import Problem

TOLERANCE_SECONDS = 300
_MOST_VALUES = 4


class NotProven(Problem):
    """It may come from anybody."""

    def __init__(self, why: str) -> None:
        super().__init__(401, "not_proven", why, headers={"www-authenticate": "Signature"})


def check_signature(header: str, uid: str, body: bytes, known: Sequence[str]) -> None:
    """Raises `NotProven` unless one of the secrets made one of the header's values, lately."""
    if header.startswith("sha256="):
        raise Problem(415, "not_a_delivery", "That is a notification, which this address does not take.")
    moment, values = _parse(header)
    if not moment.isascii() or not moment.isdigit() or len(moment) > 12:
        raise NotProven("The signature names no time.")
    if abs(time.time() - int(moment)) > TOLERANCE_SECONDS:
        raise NotProven("The signature is too old, or the clocks differ by more than five minutes.")
    signed = f"{moment}.{uid}.".encode() + body
    matches = [
        hmac.compare_digest(hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode(), value)
        for secret in known
        for value in values
    ]
    if not any(matches):
        raise NotProven("The signature is not one of ours.")


def is_known_secret(sent: str, known: Sequence[str]) -> bool:
    """Whether a secret in an address is one of ours; takes the same time whichever it is not."""
    found = [secrets.compare_digest(sent.encode("utf-8", "surrogatepass"), one.encode()) for one in known]
    return any(found)


def _parse(header: str) -> tuple[str, list[bytes]]:
    """The time and the values; keys that are not known are ignored."""
    moment, values = "", list[bytes]()
    for part in header.split(","):
        key, _, value = part.strip().partition("=")
        if key == "t":
            moment = value
        elif key == "v1" and len(values) < _MOST_VALUES:
            values.append(value.lower().encode("utf-8", "surrogatepass"))
    return moment, values
