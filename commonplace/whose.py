"""Whose a run or a page is, and what it works with: a session as the person has it whose conversations they are.

What the settings and the environment say is the server's owner's. Anybody else with an account has an archive and a
home of their own, with the destinations, hooks and keys that they set up on their pages. Of the rest they have only
what costs nothing, leads nowhere and names nobody: no destination, no hook, no watched folder, no account, no key.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

import msgspec

from commonplace.archive.access import users
from commonplace.archive.access.users import User
from commonplace.archive.core import Archive
from commonplace.config import Settings
from commonplace.config.files import dotenv_of
from commonplace.config.sections import ImportSettings, MailSettings, ReminderSettings, WatchSettings
from commonplace.environment import Environment, Place, is_address, read_dotenv
from commonplace.errors import Refused
from commonplace.session import Session

PEOPLE = "people"
"""The folder of the home that has one for each other person."""
FREE_JUDGE, FREE_MODEL, FREE_NAMER, FREE_SET = "local", "use", "local", "everyday"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def named(session: Session, name: str | None) -> Session:
    """The session of the user of that name; without one, the server's owner's. Refused where nobody is called so, or
    may not come in."""
    if not name or name == session.settings.owner:
        return of(session, session.settings.owner)
    user = users.find_user(session.archive, name)
    theirs = of(session, user.owner)
    check(theirs)
    return theirs


def of(session: Session, owner: str) -> Session:
    """The server's session as an owner has it: the archive is theirs, and so is what is set in their home alone."""
    archive = session.archive if session.archive.owner == owner else session.archive.of(owner)
    if owner == session.settings.owner:
        return session._replace(archive=archive)
    home = home_of(session.settings.home, owner)
    own = read_dotenv(dotenv_of(home), expands=False)
    return Session(_settings_of(session.settings, home), EnvironmentOfAnother(session.environment, own), archive)


def check(session: Session) -> None:
    """Refused where this is somebody who may not come in any more: nothing begins for them."""
    user = users.user_of(session.archive, session.archive.owner) if is_another(session) else None
    if user and user.is_disabled:
        raise Refused(f"The user {user.name} is disabled.", hint=f"Let them in: commonplace users enable {user.name}")


def others(session: Session) -> list[User]:
    """Everybody else who may come in."""
    found = users.list_users(session.archive)
    return [user for user in found if user.owner != session.settings.owner and not user.is_disabled]


def owner_called(settings: Settings, people: list[User], name: str | None) -> str:
    """Whose a run is that carries this name. What is nobody's is the server's owner's."""
    return next((user.owner for user in people if name and user.name == _plain(name)), settings.owner)


def name_of(settings: Settings, archive: Archive) -> str:
    """What a run for the archive's owner carries: the user's name, and nothing for the server's owner."""
    if archive.owner == settings.owner:
        return ""
    user = users.user_of(archive, archive.owner)
    return user.name if user else ""


def home_of(home: Path, owner: str) -> Path:
    """A person's own folder in the server's home."""
    plain = owner if _PLAIN.fullmatch(owner) else hashlib.blake2b(owner.encode(), digest_size=16).hexdigest()
    return home / PEOPLE / plain


def is_another(session: Session) -> bool:
    """Whether this is somebody other than the server's owner."""
    return session.archive.owner != session.settings.owner


class EnvironmentOfAnother(Environment):
    """What a person set for themselves, and of the server's environment where services are: no key, no secret.

    An address that goes with a key of the server's owner is there for who has a key of their own.
    """

    def __init__(self, servers: Environment, own: Place) -> None:
        super().__init__({}, own)
        self._servers = servers

    def get(self, *names: str) -> str | None:
        return super().get(*names) or self._servers.get(*filter(self._is_everybodys, names))

    def place_of(self, *names: str) -> str | None:
        return super().place_of(*names) or self._servers.place_of(*filter(self._is_everybodys, names))

    def names(self) -> set[str]:
        return super().names() | set(filter(_is_known_address, self._servers.names()))

    def _is_everybodys(self, name: str) -> bool:
        if not _is_known_address(name) or "@" in (self._servers.get(name) or ""):  # a password stands before it
            return False
        return self.has_key_for(name) or not self._servers.has_key_for(name)


def _is_known_address(name: str) -> bool:
    """Whether a variable says where a service is, and whoever knows it cannot do anything with that alone."""
    return is_address(name) and name not in _secrets()


@cache
def _secrets() -> set[str]:
    """The variables of destinations' secrets; the address of a trigger is one."""
    from commonplace.destinations import registry

    given = [given for name in registry.kinds() for given in registry.kind_named(name).given if given.is_secret]
    return {variable for each in given for variable in each.variables}


def _settings_of(settings: Settings, home: Path) -> Settings:
    from commonplace.categorize import registry as judges
    from commonplace.categorize.definitions import shipped_names
    from commonplace.meaning import registry as embedders

    categorize, projects, meaning = settings.categorize, settings.projects, settings.meaning
    is_free = categorize.judge in judges.kinds() and judges.kind_named(categorize.judge).learns
    return msgspec.structs.replace(
        settings,
        home=home,
        config_file=None,
        imports=ImportSettings(keep_exports=settings.imports.keep_exports),
        watch=WatchSettings(),
        accounts={},
        reminders=ReminderSettings(every_days=settings.reminders.every_days),
        mail=MailSettings(),
        judges={},
        destinations={},
        hooks={},
        categorize=msgspec.structs.replace(
            categorize,
            judge=categorize.judge if is_free else FREE_JUDGE,
            taxonomy=categorize.taxonomy if categorize.taxonomy in shipped_names() else FREE_SET,
        ),
        projects=msgspec.structs.replace(projects, gpts={}, names="", namer=FREE_NAMER),
        meaning=msgspec.structs.replace(
            meaning, model=meaning.model if meaning.model in ("", *embedders.LOCAL) else FREE_MODEL
        ),
        answers=msgspec.structs.replace(
            settings.answers, model=settings.answers.model if settings.answers.model == "none" else ""
        ),
    )


def _plain(name: str) -> str:
    try:
        return users.plain_name(name)
    except Refused:
        return ""
