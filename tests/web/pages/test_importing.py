"""The page that takes exports in, without a script: what is refused early, and what is kept when nobody works."""

from __future__ import annotations

import io
import random
import re
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from commonplace import runs
from commonplace.archive.access import lending, sessions, users
from commonplace.sources.chatgpt.sample import write_sample
from tests.fakes.prefect_api import FakePrefectApi
from tests.web.chromium import log_in
from tests.web.conftest import HASHED, PASSWORD, Browser, Forms, Live, Start

KEY = "sk-proj-somebodys-own"


def _send(browser: Browser, *files: tuple[str, bytes], **values: str) -> httpx.Response:
    (form,) = (form for form in Forms.of(browser.get("/import").text) if form["action"] == "/import/file")
    fields = {"csrf": form["fields"]["csrf"], **values}
    parts = [("files", (name, io.BytesIO(content), "application/zip")) for name, content in files]
    return browser.client.post("/import/file", data=fields, files=parts, headers={"accept": "text/html"})


def _kept(live: Live) -> list[Path]:
    return [path for path in live.server.uploads.folder.glob("*/*") if path.name != "about.json"]


@pytest.fixture
def sample(tmp_path: Path) -> bytes:
    write_sample(tmp_path / "sample.zip")
    return (tmp_path / "sample.zip").read_bytes()


def test_what_is_no_export_is_refused_with_its_reason_and_nothing_stays(live: Live, sample: bytes) -> None:
    browser = live.logged_in()
    for name, content in (("a.pdf", b"%PDF\0\0"), ("b.zip", b"PK\x03\x04 broken"), ("c<b>.json", b'{"recipes": []}')):
        reply = _send(browser, ("good.zip", sample), (name, content))
        assert reply.status_code == 400
        assert 'role="alert"' in reply.text
        assert name.replace("<b>", "") in reply.text.replace("&lt;b&gt;", "")
        assert _kept(live) == []
    assert _send(browser).status_code == 400


def test_what_was_sent_while_nobody_works_is_kept_and_said(live: Live, sample: bytes) -> None:
    browser = live.logged_in()
    reply = _send(browser, ("../my export.zip", sample), taxonomy="everyday")
    assert reply.status_code == 400
    assert "commonplace up" in reply.text
    (path,) = _kept(live)
    assert path.read_bytes() == sample
    page = browser.get("/import")
    assert "my export.zip" in page.text
    (upload,) = live.server.uploads.list("me")
    browser.submit(page, f"/import/uploads/{upload.id}/remove")
    assert _kept(live) == []


def test_what_a_judge_would_cost_for_the_file_is_said_before_it_starts(start: Start, sample: bytes) -> None:
    prices = '[categorize]\nmodel = "m"\n[prices.m]\ninput = 200.0\noutput = 800.0\n'
    live = start(prices, OPENAI_API_KEY=KEY)
    users.add_user(live.archive, "me", HASHED(PASSWORD), owner="me")
    browser = live.logged_in()
    asked = _send(browser, ("mine.zip", sample), judge="openai", taxonomy="everyday", account="work")
    assert asked.status_code == 200
    assert "60 conversations are in mine.zip." in asked.text
    assert re.search(r"would cost about \$[1-9]\d*\.\d\d to sort them", asked.text)
    assert "commonplace up" not in asked.text  # nothing was begun
    forms = [form["fields"] for form in Forms.of(asked.text) if form["action"] == "/import/start"]
    assert [form.get("judge") for form in forms] == ["openai", "local", None]
    assert {(form.get("taxonomy"), form.get("account")) for form in forms[:2]} == {("everyday", "work")}
    for fields in forms[:2]:  # a yes begins it, which here nobody takes
        assert "commonplace up" in browser.client.post("/import/start", data=fields).text
    unknown = start().logged_in()
    assert "is not known: its key or server" in _send(unknown, ("mine.zip", sample), judge="openai").text


def test_whose_account_it_is_and_where_it_is_written_can_be_chosen(
    start: Start, sample: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[tuple[str | None, list[str] | None]] = []

    def note(flow: str, parameters: dict[str, Any], *, lent_in: str | None = None) -> runs.Started:
        asked.append((parameters.get("account"), parameters.get("destinations")))
        return runs.Started("01a21592-9efd-7d5b-9e40-ed0503cef7fd", flow)

    monkeypatch.setattr(runs, "connect", lambda settings: None)
    monkeypatch.setattr(runs, "start", note)
    with FakePrefectApi() as prefect:
        monkeypatch.setenv("PREFECT_API_URL", prefect.url)
        several = start('[accounts.work]\nsource = "claude"\n[accounts.chatgpt]\n')
        users.add_user(several.archive, "me", HASHED(PASSWORD), owner="me")
        browser = several.logged_in()
        page = browser.get("/import").text
        assert '<option value="work">work (claude)</option>' in page
        assert '<option value="chatgpt">chatgpt</option>' in page
        _send(browser, ("a.zip", sample), account="work")
        _send(browser, ("a.zip", sample), as_usual="yes")  # as from the first page; nothing is set up
        folder = "/destinations/set-up/markdown"
        browser.submit(browser.get(folder), folder, where=str(tmp_path / "vault"))
        _send(browser, ("a.zip", sample), as_usual="yes")
        _send(browser, ("a.zip", sample), destinations="markdown")
        _send(browser, ("a.zip", sample))  # unticked
        there = (None, ["markdown"])
        assert asked == [("work", None), (None, None), there, there, (None, None)]


def test_a_form_from_elsewhere_or_of_another_person_brings_nothing(live: Live, sample: bytes) -> None:
    browser = live.logged_in()
    assert _send(browser, ("a.zip", sample), csrf="stale").status_code == 403
    users.add_user(live.archive, "eve", HASHED(PASSWORD))
    eve = live.logged_in("eve")
    (form,) = (form for form in Forms.of(browser.get("/import").text) if form["action"] == "/import/file")
    guard = form["fields"]["csrf"]
    reply = eve.client.post("/import/file", data={"csrf": guard}, files={"files": ("a.zip", sample)})
    assert reply.status_code == 403
    assert live.browser().client.post("/import/file", files={"files": ("a.zip", sample)}).status_code == 401
    assert _kept(live) == []


def test_a_key_is_lent_for_the_session_repeated_nowhere_and_taken_back(
    live: Live, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    browser, fernet = live.logged_in(), live.server.keys.fernet()
    reply = browser.submit(browser.get("/import"), "/import/key", key=f" {KEY} ")
    page = browser.get(reply.headers["location"])
    assert "Your key is used in this session." in page.text
    assert "A key is in use until" in page.text
    assert lending.borrowed(live.archive, fernet) == {"OPENAI_API_KEY": KEY}
    assert "A key is in use until" not in live.logged_in().get("/import").text  # another session's
    browser.submit(page, "/import/key/remove")
    assert lending.borrowed(live.archive, fernet) == {}
    told = f"{reply.headers} {page.text} {page.url}" + "".join(str(vars(record)) for record in caplog.records)
    assert "/import/key" in told
    assert KEY not in told


@pytest.mark.parametrize("key", ["not a key of " + "anybody's", "sk-" + "x" * 1_100])
def test_what_is_no_key_is_refused_and_not_repeated(live: Live, key: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    browser = live.logged_in()
    reply = browser.submit(browser.get("/import"), "/import/key", key=key)
    assert reply.status_code in {400, 422}
    assert key[:20] not in reply.text + "".join(str(vars(record)) for record in caplog.records)


def test_a_key_that_somebody_lends_is_theirs_and_nobody_else_takes_one_back(live: Live) -> None:
    users.add_user(live.archive, "eve", HASHED(PASSWORD))
    browser, eve = live.logged_in(), live.logged_in("eve")
    browser.submit(browser.get("/import"), "/import/key", key=KEY)
    assert browser.client.post("/import/key", data={"key": "sk-anothers"}).status_code == 403
    assert live.browser().client.post("/import/key", data={"key": "sk-anothers"}).status_code in {401, 403}
    fernet, hers = live.server.keys.fernet(), live.archive.of(users.find_user(live.archive, "eve").owner)
    lent = eve.get(eve.submit(eve.get("/import"), "/import/key", key="sk-of-eves-own").headers["location"])
    assert lending.borrowed(hers, fernet) == {"OPENAI_API_KEY": "sk-of-eves-own"}
    eve.submit(lent, "/import/key/remove")
    assert (lending.borrowed(hers, fernet), lending.borrowed(live.archive, fernet)) == ({}, {"OPENAI_API_KEY": KEY})


@pytest.mark.browser
def test_an_upload_goes_on_after_a_broken_connection_and_after_a_reload(
    live: Live, chrome: Any, tmp_path: Path
) -> None:
    large = tmp_path / "export.zip"
    write_sample(large)
    with zipfile.ZipFile(large, "a", zipfile.ZIP_STORED) as more:
        more.writestr("pictures.bin", random.Random(1).randbytes(2 << 20))
    page = log_in(chrome, live).page.context.new_page()
    page.route("**/static/upload.*.js", _in_small_pieces)
    page.on("dialog", lambda dialog: dialog.accept())  # the page asks whether to leave: yes
    offsets: list[int] = []

    def cut(route: Any) -> None:
        offset = int(route.request.headers.get("upload-offset", "0"))
        offsets.append(offset)
        route.abort() if offset else route.continue_()

    page.route("**/uploads/*", lambda route: cut(route) if route.request.method == "PATCH" else route.continue_())
    page.goto(f"{live.url}/import")
    page.set_input_files("#files", large)
    page.click("#import button")
    expect(page.locator("#sending [role=status]")).to_contain_text("The connection broke")
    (upload,) = live.server.uploads.list("me")
    half = live.server.uploads.arrived(upload)
    assert 0 < half < upload.size
    page.reload()
    page.unroute("**/uploads/*")
    page.on("request", lambda request: offsets.append(_sent_at(request)) if request.method == "PATCH" else None)
    expect(page.get_by_text("choose the same file again")).to_be_visible()
    other = tmp_path / "other" / large.name
    other.parent.mkdir()
    other.write_bytes(large.read_bytes()[: -(2 << 20)] + bytes(2 << 20))  # of the same name and size
    for file, begun in ((other, 0), (large, half)):
        offsets.clear()
        page.set_input_files("#files", file)
        with page.expect_navigation(url="**/import/start"):
            page.click("#import button")
        expect(page.get_by_role("alert")).to_be_visible()
        assert offsets[0] == begun, "nothing is sent twice, nor what is another file's"
    assert sorted(path.read_bytes() for path in _kept(live)) == sorted(file.read_bytes() for file in (other, large))


def _in_small_pieces(route: Any) -> None:
    script = route.fetch().text()
    assert "PIECE = 64 << 20" in script
    route.fulfill(body=script.replace("PIECE = 64 << 20", "PIECE = 1 << 20"), content_type="text/javascript")


def _sent_at(request: Any) -> int:
    return int(request.headers["upload-offset"])


@pytest.mark.browser
def test_whoever_is_logged_out_in_the_middle_of_an_upload_logs_in_again_and_it_goes_on(
    live: Live, chrome: Any, tmp_path: Path, sample: bytes
) -> None:
    large = tmp_path / "export.zip"
    large.write_bytes(sample)
    with zipfile.ZipFile(large, "a", zipfile.ZIP_STORED) as more:
        more.writestr("pictures.bin", random.Random(1).randbytes(2 << 20))
    page = log_in(chrome, live).page
    page.route("**/static/upload.*.js", _in_small_pieces)
    page.on("dialog", lambda dialog: dialog.accept())

    def end_the_session(route: Any) -> None:
        if _sent_at(route.request):
            for session in sessions.list_sessions(live.archive, "me", idle_hours=1):
                sessions.end(live.archive, "me", session.id)
            page.unroute("**/uploads/*")
        route.continue_()

    page.route(
        "**/uploads/*", lambda route: end_the_session(route) if route.request.method == "PATCH" else route.continue_()
    )
    page.goto(f"{live.url}/import")
    heard: list[str] = []
    page.expose_function("hear", lambda text: heard.append(text))
    page.locator("#sending [role=status]").evaluate(
        "said => new MutationObserver(() => hear(said.textContent)).observe(said, { childList: true })"
    )
    page.set_input_files("#files", large)
    page.click("#import button")
    expect(page.locator("#sending [role=status]")).to_contain_text("You are logged out. Log in again in another tab")
    other = page.context.new_page()
    other.goto(f"{live.url}/login")
    other.fill("input[name=name]", "me")
    other.fill("input[name=password]", PASSWORD)
    other.click("main button")
    page.wait_for_url("**/import/start")
    assert [text for text in heard if "logged out" not in text] == ["export.zip"] * 2, "it begins, and it goes on"
    page.get_by_role("button", name="Send it now").click()
    expect(page.get_by_role("alert")).to_contain_text("Nobody is there to import it")
    assert [path.read_bytes() for path in _kept(live)] == [large.read_bytes()]


@pytest.mark.browser
def test_a_folder_arrives_as_one_file_that_holds_it(live: Live, chrome: Any, tmp_path: Path, sample: bytes) -> None:
    folder = tmp_path / "my export"
    with zipfile.ZipFile(io.BytesIO(sample)) as export:
        export.extractall(folder)
    (folder / "pictures").mkdir()
    (folder / "pictures" / "ü.png").write_bytes(b"\x89PNG\0")
    (folder / "empty.json").touch()
    watched = log_in(chrome, live)
    page = watched.open("/import")
    page.set_input_files("#folder", folder)
    page.click("#import button")
    expect(page.get_by_role("alert")).to_contain_text("Nobody is there to import it")
    (upload,) = live.server.uploads.list("me")
    assert (upload.name, upload.kind) == ("my export.zip", "chatgpt")
    with zipfile.ZipFile(live.server.uploads.path(upload)) as arrived:
        assert arrived.testzip() is None
        found = {name: arrived.read(name) for name in arrived.namelist()}
    kept = [path for path in folder.rglob("*") if path.is_file()]
    assert found == {path.relative_to(folder).as_posix(): path.read_bytes() for path in kept}
    (tmp_path / "beside.zip").write_bytes(sample)
    _drop(watched.open("/import"), "#import", folder, tmp_path / "beside.zip")
    expect(page.get_by_role("alert")).to_contain_text("Nobody is there to import it")
    assert sorted(one.name for one in live.server.uploads.list("me")) == ["beside.zip", "my export.zip"]
    assert watched.wrong == []


def _drop(page: Any, onto: str, *paths: Path) -> None:
    """As somebody does with the mouse."""
    box = page.locator(onto).bounding_box()
    dragged = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        told = {"type": kind, "x": box["x"] + 20, "y": box["y"] + 20, "data": dragged}
        page.context.new_cdp_session(page).send("Input.dispatchDragEvent", told)


@pytest.mark.browser
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_an_upload_that_fills_the_disk_says_so_and_goes_on_once_there_is_room(
    live: Live, chrome: Any, tmp_path: Path, sample: bytes
) -> None:
    file = tmp_path / "export.zip"
    file.write_bytes(sample)
    page = log_in(chrome, live).page
    page.on("dialog", lambda dialog: dialog.accept())

    def fill_the_disk(route: Any) -> None:
        (path,) = _kept(live)
        path.unlink()
        path.symlink_to("/dev/full")
        route.continue_()

    page.route("**/uploads/*", fill_the_disk, times=1)
    page.goto(f"{live.url}/import")
    page.set_input_files("#files", file)
    page.click("#import button")
    expect(page.locator("#sending [role=status]")).to_contain_text("No space left on device). Make room")
    with page.expect_navigation(url="**/import/start"):
        (path,) = _kept(live)
        path.unlink()
        path.touch(mode=0o600)
    assert [path.read_bytes() for path in _kept(live)] == [sample]
