"""What every route can ask for: the settings, the archive, the secrets and the counters of this server."""

from __future__ import annotations

import msgspec
from starlette.requests import HTTPConnection

from commonplace.archive.core import Archive
from commonplace.config import Environment, Settings
from commonplace.session import Session
from commonplace.web.metrics import Metrics
from commonplace.web.security.limits import Limiter
from commonplace.web.security.secret_keys import SecretKeys, secret_keys
from commonplace.web.settings import WebSettings

PATIENCE_SECONDS = 8
"""How long somebody may wait for a write, before being told to come back."""


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Made once, when the server starts."""

    settings: Settings
    environment: Environment
    web: WebSettings
    archive: Archive
    keys: SecretKeys
    limiter: Limiter
    metrics: Metrics


def make_server(session: Session, web: WebSettings) -> Server:
    settings, environment, archive = session
    return Server(
        settings=settings,
        environment=environment,
        web=web,
        archive=archive.in_a_hurry(PATIENCE_SECONDS),
        keys=secret_keys(settings, environment),
        limiter=Limiter(web.rate_limit, web.rate_limit_storage),
        metrics=Metrics(),
    )


def server_of(connection: HTTPConnection) -> Server:
    """The server that a request came to."""
    server: Server = connection.app.state.server
    return server
