"""The page that takes exports in: a form that works everywhere, and what its script uploads in pieces."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from commonplace import runs, whose
from commonplace.archive.access import lending
from commonplace.archive.access.sessions import Session
from commonplace.errors import CommonplaceError, Refused
from commonplace.session import Session as Reading
from commonplace.web.arriving import forms
from commonplace.web.arriving.straight import Buffer, Write
from commonplace.web.arriving.uploads import Upload
from commonplace.web.errors import not_found
from commonplace.web.pages.rendering import done, render
from commonplace.web.pages.runs import ask_for
from commonplace.web.security import csrf
from commonplace.web.security.csrf import Guarded, Typed
from commonplace.web.security.people import Person
from commonplace.web.server import Server, server_of
from commonplace.web.wording import say

router = APIRouter(prefix="/import")

LONGEST_FIELD = 4_000
Chosen = Annotated[list[str], Form()]
Word = Annotated[str, Form(max_length=200)]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants done with what they import. Empty: as the settings say."""

    taxonomy: str = ""
    judge: str = ""
    destinations: list[str] = []
    account: str = ""

    def parameters(self, paths: Sequence[Path]) -> dict[str, Any]:
        """Those of a run of the pipeline."""
        told = {"taxonomy": self.taxonomy, "judge": self.judge, "account": self.account}
        stages = ["import", "embed", "categorize", "map", *(["sync"] if self.destinations else [])]
        return {
            "paths": [str(path) for path in paths],
            "stages": stages,
            **({"destinations": self.destinations} if self.destinations else {}),
            **{name: value for name, value in told.items() if value},
        }


@router.get("")
def import_page(request: Request, session: Person, prices: bool = False) -> Response:
    """The form, and what has arrived and waits; with `prices` also what each judge would cost."""
    _get_ready()
    return _page(request, session.owner, prices=prices)


@router.post("/file")
async def receive(request: Request, session: Person) -> Response:
    """Files from a form, as they come; then the run that imports them."""
    uploads, form = server_of(request).uploads, _Form(request, session.owner)
    try:
        await forms.read(request, form)
        csrf.check(request, form.last("csrf"))
        looked = [await run_in_threadpool(uploads.finish, upload) for upload in form.arrived]
        if not looked:
            raise Refused(say("import.no_file"))
        if refused := [upload for upload in looked if upload.refusal]:
            raise Refused(refused[0].refusal)
    except Exception as error:
        await run_in_threadpool(form.forget)
        if isinstance(error, Refused):
            return await run_in_threadpool(_page, request, session.owner, str(error))
        raise
    options = Options(
        taxonomy=form.last("taxonomy"),
        judge=form.last("judge"),
        destinations=form.all("destinations"),
        account=form.last("account"),
    )
    if form.last("as_usual"):
        options = await run_in_threadpool(_as_usual, request, session)
    return await run_in_threadpool(_start_or_price, request, session, looked, options)


@router.post("/start", dependencies=[Guarded])
def start(
    request: Request,
    session: Person,
    upload: Chosen = [],  # noqa: B006
    destinations: Chosen = [],  # noqa: B006
    taxonomy: Word = "",
    judge: Word = "",
    account: Word = "",
    sure: Word = "",
    as_usual: Word = "",
) -> Response:
    """The run that imports what has arrived. What a judge would cost is said first, and has to be agreed to."""
    uploads = server_of(request).uploads
    found = [one for id in upload if (one := uploads.find(session.owner, id)) is not None]
    if not found or not all(uploads.is_whole(one) for one in found):
        return _page(request, session.owner, say("import.not_whole"))
    looked = [one if one.kind or one.refusal else uploads.finish(one) for one in found]
    if refused := [one for one in looked if one.refusal]:
        return _page(request, session.owner, refused[0].refusal)
    options = Options(taxonomy=taxonomy, judge=judge, destinations=destinations, account=account)
    if as_usual:
        options = _as_usual(request, session)
    return (_start if sure else _start_or_price)(request, session, looked, options)


def _as_usual(request: Request, session: Session) -> Options:
    """What holds where no options were shown: it is written to what the person set up."""
    from commonplace.stages.syncing import destinations

    settings, _, archive = server_of(request).session_of(session.owner)
    return Options(destinations=destinations.chosen(settings, archive))


@router.post("/sample", dependencies=[Guarded])
def sample(request: Request, session: Person) -> Response:
    """A made-up export, for a look around."""
    from commonplace.sources.chatgpt.sample import write_sample

    uploads = server_of(request).uploads
    with tempfile.TemporaryDirectory(prefix="commonplace-") as folder:
        made = Path(folder) / "sample-export.zip"
        write_sample(made)
        upload = uploads.create(session.owner, made.name, made.stat().st_size)
        uploads.path(upload).write_bytes(made.read_bytes())
    return _start_or_price(request, session, [uploads.finish(upload)], Options())


@router.post("/uploads/{id}/remove", dependencies=[Guarded])
def remove(request: Request, session: Person, id: str) -> Response:
    """Never mind."""
    uploads = server_of(request).uploads
    upload = uploads.find(session.owner, id)
    if upload is None:
        raise not_found("upload")
    uploads.remove(upload)
    return done("/import", "removed")


@router.post("/key", dependencies=[Guarded])
def lend(request: Request, session: Person, key: Typed = "") -> Response:
    """A key of this person's own for what they start and ask in this session. No page repeats it."""
    server = server_of(request)
    try:
        lending.lend(server.archive, server.keys.fernet(), session, key)
    except Refused as refused:
        return _page(request, session.owner, str(refused))
    return done("/import#key", "lent")


@router.post("/key/remove", dependencies=[Guarded])
def take_back(request: Request, session: Person) -> Response:
    """It is forgotten; runs that go on ask for it once more and find none."""
    lending.take_back(server_of(request).archive, session)
    return done("/import#key", "removed")


def _start_or_price(request: Request, session: Session, uploads: Sequence[Upload], options: Options) -> Response:
    from commonplace.stages.categorizing import prices

    server = server_of(request)
    reader = server.readers.of(session.owner)
    judge = options.judge or reader.session.settings.categorize.judge
    try:
        if prices.is_free(judge):
            return _start(request, session, uploads, options)
        paths = [server.uploads.path(upload) for upload in uploads]
        foreseen = prices.of_files(reader.borrowing(), judge, paths)
    except CommonplaceError as error:
        return _page(request, session.owner, str(error))
    if foreseen.cost_usd == 0:
        return _start(request, session, uploads, options)
    return _page(request, session.owner, foreseen=foreseen, chosen=uploads, options=options)


def _start(request: Request, session: Session, uploads: Sequence[Upload], options: Options) -> Response:
    server, owner = server_of(request), session.owner
    try:
        paths = [server.uploads.path(upload) for upload in uploads]
        asked = options.parameters(paths)
        started = ask_for(request, session, "pipeline", asked, nobody="import.nobody_works")
    except CommonplaceError as error:
        return _page(request, owner, str(error))
    for upload in uploads:
        server.uploads.keep(msgspec.structs.replace(upload, run=started.id))
    return done(f"/runs/{started.id}")


@cache
def _get_ready() -> None:
    """Once, and beside whatever is asked meanwhile: the first run is then asked for as quickly as the next."""
    threading.Thread(target=runs.get_ready, args=("pipeline",), name="get ready", daemon=True).start()


class _Form:
    """What arrives in the form: fields are held, files are written. A file that comes before the form's token is
    refused."""

    def __init__(self, request: Request, owner: str) -> None:
        self.arrived: list[Upload] = []
        self._request, self._owner, self._uploads = request, owner, server_of(request).uploads
        self._fields: dict[str, list[bytearray]] = {}
        self._open = ExitStack()

    def begin(self, name: str, file: str | None) -> Write:
        if file is None:
            text = bytearray()
            self._fields.setdefault(name, []).append(text)
            return partial(_lengthen, text)
        csrf.check(self._request, self.last("csrf"))
        if not file:  # nothing was chosen
            return partial(_lengthen, bytearray())
        upload = self._uploads.create(self._owner, file, int(self._request.headers.get("content-length", 0)))
        self.arrived.append(upload)
        return self._open.enter_context(self._uploads.going_on(upload, 0))

    def end(self) -> None:
        """How long a file is was not known before."""
        self._open.close()
        if self.arrived:
            upload = self.arrived[-1]
            self.arrived[-1] = msgspec.structs.replace(upload, size=self._uploads.arrived(upload))
            self._uploads.keep(self.arrived[-1])

    def forget(self) -> None:
        self._open.close()
        for upload in self.arrived:
            self._uploads.remove(upload)

    def all(self, name: str) -> list[str]:
        return [text.decode(errors="replace") for text in self._fields.get(name, ())]

    def last(self, name: str) -> str:
        return ["", *self.all(name)][-1]


def _lengthen(text: bytearray, piece: Buffer) -> None:
    text += piece
    if len(text) > LONGEST_FIELD:
        raise forms.strange()


def _page(
    request: Request, owner: str, problem: str | None = None, *, prices: bool = False, **foreseen: Any
) -> Response:
    from commonplace.stages.categorizing import taxonomies
    from commonplace.stages.syncing import destinations

    server = server_of(request)
    reading = server.session_of(owner)
    settings, _, archive = reading
    return render(
        request,
        "import.html",
        status=400 if problem else 200,
        problem=problem,
        arrived=server.uploads.not_imported(owner),
        lent=lending.lent_in(server.archive, request.state.session),
        lending_hours=lending.HOURS,
        taxonomies=taxonomies.list_taxonomies(archive),
        judges=_judges(reading),
        prices=_prices(server, owner) if prices else None,
        destinations=destinations.names(settings, archive),
        usual=destinations.chosen(settings, archive),
        settings=settings,
        **{"foreseen": None, **foreseen},
    )


def _judges(reading: Reading) -> list[str]:
    """Who can be asked. What is answered later is fetched with the server's key, which is its owner's."""
    from commonplace.categorize import registry

    is_another = whose.is_another(reading)
    return [name for name in registry.kinds() if not (is_another and registry.kind_named(name).answers_later)]


def _prices(server: Server, owner: str) -> list[tuple[str, float | None]]:
    """What each judge would cost for a thousand conversations, also with a key that was lent."""
    from commonplace.stages.categorizing.prices import per_thousand

    return per_thousand(server.readers.of(owner).borrowing())
