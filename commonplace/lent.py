"""The environment of somebody who lent a key: it goes before every other, to wherever the settings send such keys."""

from __future__ import annotations

from commonplace.archive.access import lending
from commonplace.environment import Place
from commonplace.secret_keys import SecretKeys, secret_keys
from commonplace.session import Session

VARIABLE = "COMMONPLACE_LENT"
"""Names, for a run, the session whose key it works with. The key itself is in no variable and no parameter."""


def with_borrowed(session: Session, keys: SecretKeys, id: str | None = None) -> Session:
    """The same session with the key that its owner has lent, if any is."""
    found = lending.borrowed(session.archive, keys.fernet(), id)
    if not found:
        return session
    return session._replace(environment=session.environment.under(Place("a key that was lent", found)))


def of_run(session: Session, theirs: Session | None = None) -> Session:
    """What a run works with that was asked for by somebody who had lent a key then. The run's variables and the keys
    of the server are in its own session, which may be another one than `theirs`."""
    id, theirs = session.environment.get(VARIABLE), theirs or session
    return with_borrowed(theirs, secret_keys(session.settings, session.environment), id) if id else theirs
