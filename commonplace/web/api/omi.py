"""OMI's webhooks. What proves to be its own is stored before it is answered, and read later.

In this order: size (an outer layer), type, uid, proof, the disk. The answer is `{}`, which means to OMI's developer
webhooks that it was delivered, and to its apps that there is nothing to say. What cannot be stored is answered 503,
which OMI tries again; what is in a body is never a reason to refuse it, because OMI would not.
"""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from commonplace.archive.inbox import Delivery
from commonplace.config import Environment
from commonplace.moments import now
from commonplace.secret_keys import SecretKeys
from commonplace.web.errors import Problem
from commonplace.web.requests import NamedRoute
from commonplace.web.security.addresses import is_local
from commonplace.web.security.signatures import NotProven, check_signature, is_known_secret
from commonplace.web.server import Server, server_of

SOURCE = "omi"
KINDS = ("memory", "day-summary", "transcript")
_UID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_DELIVERY = re.compile(r"[\x21-\x7e]{1,200}")


async def receive(request: Request) -> Response:
    """A conversation, a day's summary, or a piece of a conversation that is going on."""
    server = server_of(request)
    kind, secret = request.path_params.get("kind", "memory"), request.path_params.get("secret", "")
    if kind not in KINDS:
        raise Problem(404, "not_found", f"There is no such webhook. There are: {', '.join(KINDS)}.")
    counted = server.metrics.deliveries
    try:
        _check_type(request)
        uid = _uid(request)
        body = await request.body()
        is_trusted = _prove(request, server, uid, body, secret)
    except Problem as problem:
        counted.labels(kind, problem.code).inc()
        raise
    delivery = Delivery(
        source=SOURCE,
        kind=kind,
        uid=uid,
        body=body,
        delivery=_delivery_id(request),
        session=request.query_params.get("session_id", "")[:200],
        received_at=now(),
        is_trusted=is_trusted,
    )
    await server.deliveries.store(delivery)
    counted.labels(kind, "stored" if is_trusted else "quarantined").inc()
    return JSONResponse({})


ADDRESSES = ("/chatgpt/webhook/memory", "/omi/{kind}", "/omi/{secret}/{kind}")
"""The first is the founding system's, the last one only OMI was told."""
routes = tuple(NamedRoute(address, receive, methods=["POST"]) for address in ADDRESSES)


def _check_type(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise Problem(415, "wrong_type", "Deliveries are application/json.")


def _uid(request: Request) -> str:
    """The one uid of the address. It says whose this is; it is no path, and no two."""
    named = request.query_params.getlist("uid")
    if len(named) != 1 or not _UID.fullmatch(named[0]):
        raise Problem(422, "wrong_uid", "The address needs one ?uid= of 1 to 128 letters, digits, - and _.")
    return named[0]


def _prove(request: Request, server: Server, uid: str, body: bytes, secret: str) -> bool:
    """True if it is OMI's own, or taken for it; False if a person has to say. Raises `NotProven`."""
    signature = request.headers.get("x-omi-signature")
    if signature is not None:
        check_signature(signature, uid, body, _listed(server.environment, "OMI_WEBHOOK_SECRET"))
        return True
    sent = [secret] if secret else [token for token in request.query_params.getlist("token") if token]
    if sent:
        ours = webhook_tokens(server.environment, server.keys)
        if not all(is_known_secret(each, ours) for each in sent):
            raise NotProven("The secret in the address is not ours.")
        return True
    policy = server.settings.omi.unsigned
    if policy == "quarantine":
        return False
    if policy == "accept" and is_local(request):
        return True
    raise NotProven("It is neither signed nor does its address have a secret.")


def webhook_tokens(environment: Environment, keys: SecretKeys) -> list[str]:
    """Secrets that an address may hold: those that were set, else one of this installation's own."""
    return _listed(environment, "OMI_WEBHOOK_TOKEN") or [keys.derive(SOURCE, "webhook")]


def _delivery_id(request: Request) -> str:
    """The same for every attempt to deliver the same; empty where OMI names none."""
    told = request.headers.get("x-omi-delivery") or request.headers.get("idempotency-key") or ""
    return told if _DELIVERY.fullmatch(told) else ""


def _listed(environment: Environment, name: str) -> list[str]:
    return [part.strip() for part in (environment.get(name) or "").split(",") if part.strip()]
