"""`commonplace connect`: ask for what is missing, check it with the other side, and save it as a block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from commonplace import runs
from commonplace.archive.opening import open_archive
from commonplace.cli.output import aside, ask, confirm, visible
from commonplace.cli.server import address
from commonplace.config import Environment, Settings
from commonplace.config.files import keep_typed
from commonplace.destinations import registry
from commonplace.destinations.kind import Choice
from commonplace.errors import Halt, Refused
from commonplace.stages.syncing import destinations

Found = tuple[dict[str, Any], dict[str, Any], dict[str, str]]
"""What is told, the fields of the block, and the secrets that were typed, by their variables."""
Connect = Callable[[Settings, Environment, bool], Found]


class Asking:
    """The person at the terminal, or nobody where `--yes` or `--json` says so."""

    def __init__(self, *, ask: bool) -> None:
        self._ask = ask

    def answer(self, question: str, *, is_secret: bool = False, choices: Callable[[], list[Choice]] = list) -> str:
        if not self._ask:
            return ""
        offered = choices()
        for number, choice in enumerate(offered, 1):
            aside.print(visible(f"{number:>3}  {choice.title} ({choice.about})"), soft_wrap=True)
        typed = ask(f"{question}, or a number" if offered else question, is_secret=is_secret)
        chosen = int(typed) - 1 if typed.isdecimal() and len(typed) < 4 else -1
        return offered[chosen].id if 0 <= chosen < len(offered) else typed

    def agrees(self, question: str) -> bool:
        return confirm(question) if self._ask else True


def connect_service(
    service: str,
    settings: Settings,
    environment: Environment,
    *,
    save: bool,
    ask: bool,
    database: str | None = None,
    follow: bool | None = None,
) -> dict[str, Any]:
    """Check a service's credentials and prepare it; what was found, for the person or program."""
    services: dict[str, Connect] = {"archive": _archive, "openai": _openai, "omi": _omi, "mail": _mail}
    if service in services:
        block = service
        told, fields, typed = services[service](settings, environment, ask)
    else:
        chosen = {"database_id": database} if database else {}
        block, (told, fields, typed) = _destination(service, settings, environment, ask, chosen, others=list(services))
    if follow is not None:
        with open_archive(settings.database_url, files=settings.files, owner=settings.owner) as archive:
            destinations.follow(settings, archive, service, is_on=follow)
    if save and typed:
        keep_typed(settings.home, environment.addresses_of(typed) | typed)
        told["secret"] = str(settings.home / ".env")
    if save:
        runs.connect(settings, aside.print)
        told["block"] = runs.save_block(block, fields)
    return told


def _destination(
    name: str, settings: Settings, environment: Environment, ask: bool, chosen: dict[str, str], *, others: list[str]
) -> tuple[str, Found]:
    from commonplace.stages.syncing.connecting import connect

    known = list(dict.fromkeys([*others, *settings.destinations, *registry.kinds()]))
    if name not in known:
        raise Refused(f"There is no service {name!r}.", hint=f"Use one of: {', '.join(known)}.")
    with open_archive(settings.database_url, files=settings.files, owner=settings.owner) as archive:
        connected = connect(settings, environment, archive, name, Asking(ask=ask), chosen)
    return connected.kind, (dict(connected.told), connected.fields, connected.typed)


def _archive(settings: Settings, _environment: Environment, _ask: bool) -> Found:
    with open_archive(settings.database_url, files=settings.files, owner=settings.owner) as archive:
        kind = archive.engine.dialect.name
    fields = {"url": settings.database_url, "files": settings.files, "owner": settings.owner}
    return {"database": kind, "files": settings.files}, fields, {}


def _openai(settings: Settings, environment: Environment, ask: bool) -> Found:
    from commonplace.openai.client import Account
    from commonplace.openai.models import problems_with_model

    known = environment.get("OPENAI_API_KEY")
    key = known or Asking(ask=ask).answer("OpenAI API key", is_secret=True)
    if not key:
        raise Refused("OPENAI_API_KEY is not set.", hint="Put it into the environment or .env.")
    base_url = environment.get("OPENAI_BASE_URL")
    model = settings.categorize.model
    problems = problems_with_model(Account(api_key=key, base_url=base_url or ""), model)
    if problems:
        raise Halt(problems[0], hint=" ".join(problems[1:]) or None)
    fields = {"api_key": key, "base_url": base_url or ""}
    return {"model": model, "address": base_url or "OpenAI"}, fields, {} if known else {"OPENAI_API_KEY": key}


def _omi(settings: Settings, environment: Environment, ask: bool) -> Found:
    """Its key, tried; told are the addresses that OMI's app is given, which only it and we know."""
    from commonplace.omi_api import URL, Account, OmiApi
    from commonplace.secret_keys import secret_keys
    from commonplace.web.api.omi import KINDS, SOURCE, webhook_tokens

    known = environment.get("OMI_API_KEY")
    key = known or Asking(ask=ask).answer("OMI developer key (omi_dev_...)", is_secret=True)
    if not key:
        raise Refused("OMI_API_KEY is not set.", hint="Make one in OMI's app under Developer, and put it into .env.")
    base_url, recovery_key = environment.get("OMI_BASE_URL") or "", environment.get("OMI_RECOVERY_KEY") or ""
    with OmiApi(Account(key=key, base_url=base_url or URL, recovery_key=recovery_key)) as api:
        api.check()
    server = address.base_url(settings, environment)
    secret = webhook_tokens(environment, secret_keys(settings, environment))[0]
    told = {kind: f"{server}/{SOURCE}/{secret}/{kind}" for kind in KINDS}
    fields = {"api_key": key, "base_url": base_url, "recovery_key": recovery_key}
    return {"address": base_url or "OMI"} | told, fields, {} if known else {"OMI_API_KEY": key}


def _mail(settings: Settings, environment: Environment, ask: bool) -> Found:
    """The mailbox of [mail], opened read-only, and the server that sends: nothing is looked at, and nothing sent."""
    from commonplace.environment import Place
    from commonplace.mailbox import opened
    from commonplace.postbox import check
    from commonplace.stages.requests.mail import mailbox_of
    from commonplace.stages.requests.reminding import postbox_of

    mail, known = settings.mail, environment.get("MAIL_PASSWORD")
    if not mail.host and not mail.smtp_host:
        raise Refused("[mail] names no host.", hint="docs/exports.md says what a mailbox takes.")
    password = known or Asking(ask=ask).answer(
        f"Password of {mail.user} at {mail.host or mail.smtp_host}", is_secret=True
    )
    typed = environment.under(Place("what was typed", {"MAIL_PASSWORD": password}))
    told = {}
    if mail.host:
        with opened(mailbox_of(settings, typed)):
            told = {"mailbox": f"{mail.user} at {mail.host}", "folder": mail.folder}
    if mail.smtp_host:
        check(postbox_of(settings, typed))
        told["sends"] = f"{mail.user} at {mail.smtp_host}"
    fields = {"host": mail.host, "port": mail.port, "user": mail.user, "password": password, "folder": mail.folder}
    return told, fields, {} if known else {"MAIL_PASSWORD": password}
