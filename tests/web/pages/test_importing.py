"""The page that takes exports in, without a script: what is refused early, and what is kept when nobody works."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from commonplace.archive.access import users
from commonplace.sources.chatgpt.sample import write_sample
from tests.web.chromium import log_in
from tests.web.conftest import HASHED, PASSWORD, Browser, Forms, Live


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


def test_a_form_from_elsewhere_or_of_another_person_brings_nothing(live: Live, sample: bytes) -> None:
    browser = live.logged_in()
    assert _send(browser, ("a.zip", sample), csrf="stale").status_code == 403
    users.add_user(live.archive, "eve", HASHED(PASSWORD))
    eve = live.logged_in("eve")
    assert "COMMONPLACE_OWNER" in eve.get("/import").text
    assert eve.client.post("/import/file", files={"files": ("a.zip", sample)}).status_code == 403
    assert live.browser().client.post("/import/file", files={"files": ("a.zip", sample)}).status_code == 401
    assert _kept(live) == []


@pytest.mark.browser
def test_an_upload_goes_on_after_a_broken_connection_and_after_a_reload(
    live: Live, chrome: Any, tmp_path: Path
) -> None:
    large = tmp_path / "export.zip"
    write_sample(large)
    with zipfile.ZipFile(large, "a", zipfile.ZIP_STORED) as more:
        more.writestr("pictures.bin", random.Random(1).randbytes(20 << 20))
    page = log_in(chrome, live).page.context.new_page()
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
    expect(page.get_by_text("The connection broke")).to_be_visible(timeout=20_000)
    (upload,) = live.server.uploads.list("me")
    half = live.server.uploads.arrived(upload)
    assert 0 < half < upload.size
    page.reload()
    page.unroute_all()
    page.on("request", lambda request: offsets.append(int(request.headers.get("upload-offset", "-1"))))
    expect(page.get_by_text("choose the same file again")).to_be_visible()
    offsets.clear()
    page.set_input_files("#files", large)
    page.click("#import button")
    expect(page.get_by_role("alert")).to_contain_text("Nobody is there to import it", timeout=20_000)
    assert next(offset for offset in offsets if offset >= 0) == half  # nothing was sent twice
    (path,) = _kept(live)
    assert path.read_bytes() == large.read_bytes()
