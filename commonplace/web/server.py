"""What every route can ask for: the settings, the archive, the secrets and the counters of this server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import HTTPConnection

from commonplace.archive import leases
from commonplace.archive.core import Archive
from commonplace.archive.inbox import Inbox, open_inbox
from commonplace.config import Environment, Settings
from commonplace.errors import CommonplaceError
from commonplace.secret_keys import SecretKeys, secret_keys
from commonplace.session import Session
from commonplace.web.arriving.uploads import Uploads
from commonplace.web.deliveries import Deliveries
from commonplace.web.metrics import Metrics
from commonplace.web.nudging import Nudge
from commonplace.web.oauth.fetching import Fetcher
from commonplace.web.progress import Shared
from commonplace.web.readers import Readers
from commonplace.web.security.limits import Limiter
from commonplace.web.settings import WebSettings

RECEIVES = "receive-omi"
"""The flow that empties the inbox."""
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
    inbox: Inbox
    nudge: Nudge
    deliveries: Deliveries
    fetcher: Fetcher
    readers: Readers
    uploads: Uploads
    watched: Shared

    def session_of(self, owner: str) -> Session:
        """What the pages of a person work with."""
        return self.readers.of(owner).session

    def at_work(self) -> list[str]:
        """The leases that are held, of a second ago: what goes on that pages tell of. None where the archive cannot be
        asked: a page that says so has to be made all the same."""
        try:
            found: list[str] = self.watched.get("leases", lambda: leases.running(self.archive))
        except (SQLAlchemyError, CommonplaceError):
            return []
        return found


@contextmanager
def open_server(session: Session, web: WebSettings, *, fetcher: Fetcher | None = None) -> Iterator[Server]:
    """Everything that the server needs, until the block ends."""
    settings, environment, archive = session
    patient = archive.in_a_hurry(PATIENCE_SECONDS)
    keys = secret_keys(settings, environment)
    readers = Readers(session._replace(archive=patient), keys)
    with open_inbox(archive) as inbox, closing(readers):
        nudge = Nudge(settings, RECEIVES)
        yield Server(
            settings=settings,
            environment=environment,
            web=web,
            archive=patient,
            keys=keys,
            limiter=Limiter(web.rate_limit, web.rate_limit_storage),
            metrics=Metrics(),
            inbox=inbox,
            nudge=nudge,
            deliveries=Deliveries(inbox, nudge),
            fetcher=fetcher or Fetcher(),
            readers=readers,
            uploads=Uploads(settings.home / "uploads", most_bytes=settings.server.uploads_gb << 30),
            watched=Shared(),
        )


def server_of(connection: HTTPConnection) -> Server:
    """The server that a request came to."""
    server: Server = connection.app.state.server
    return server
