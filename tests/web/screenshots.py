"""The pictures in `docs/`: the web app over the sample export, as `make screenshots` takes them."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from commonplace.archive.access import users
from commonplace.archive.access.passwords import hash_password
from commonplace.archive.opening import open_archive
from commonplace.config import load
from commonplace.session import Session
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stages import embedding
from commonplace.stages.categorizing import stage as categorizing
from commonplace.stages.importing.stage import import_paths
from commonplace.stages.mapping import stage as mapping
from commonplace.web.app import create_app
from commonplace.web.server import open_server
from commonplace.web.serving import listen, runner
from commonplace.web.settings import complete
from tests.fakes.prefect_api import FakePrefectApi
from tests.web.chromium import chromium

PASSWORD = "correct horse battery staple"
RUN = "01a21592-9efd-7d5b-9e40-ed0503cef7fd"
KITCHEN = "chatgpt:b91ee9e5-efe0-4f07-8efe-2a1f727d8349"
PICTURES = {
    "web-home": ("/", 1280, "light"),
    "web-search": ("/conversations?q=bread", 1280, "light"),
    "web-conversation": (f"/conversations/{KITCHEN}", 1280, "dark"),
    "web-review": ("/review", 1280, "light"),
    "web-run": (f"/runs/{RUN}", 1280, "dark"),
    "web-import": ("/import", 390, "light"),
}


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """A server over the sample, and what Prefect would tell of its run; the address."""
    export = home / "sample-export.zip"
    write_sample(export)
    with ExitStack() as opened:
        prefect = opened.enter_context(FakePrefectApi())
        os.environ["PREFECT_API_URL"] = prefect.url
        settings, environment = load({"COMMONPLACE_HOME": str(home)}, folder=home)
        archive = opened.enter_context(open_archive(settings.database_url, files=settings.files))
        session = Session(settings, environment, archive)
        brought = import_paths(archive, [export])
        embedding.embed_pending(session)
        categorizing.categorize(session)
        mapping.map_projects(session)
        _tell(prefect, brought.read)
        users.add_user(archive, "me", hash_password(PASSWORD), owner=archive.owner)
        web = complete(settings, environment, port=0)
        listener = opened.enter_context(listen(web))
        web = complete(settings, environment, port=listener.getsockname()[1])
        is_ready = threading.Event()
        running = runner(create_app(opened.enter_context(open_server(session, web))), is_ready.set)
        thread = threading.Thread(target=running.run, args=([listener],))
        thread.start()
        opened.callback(thread.join)
        opened.callback(setattr, running, "should_exit", True)
        is_ready.wait(30)
        yield web.base_url


def _tell(prefect: FakePrefectApi, read: int) -> None:
    prefect.add_run(RUN, state="running", paths=["/x/sample-export.zip"], destinations=["markdown"])
    prefect.add_summary("import", read=read, new=read)
    prefect.add_summary("embed", embedded=read, passages=4 * read)
    prefect.add_progress("categorize", 65.0, total=read, seconds=4)


def main(folder: Path) -> None:
    """Take them all."""
    with tempfile.TemporaryDirectory() as home, serving(Path(home)) as address, chromium() as browser:
        for name, (path, width, scheme) in PICTURES.items():
            page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(f"{address}/login?next={path.replace('?', '%3F').replace('&', '%26')}")
            page.get_by_label("Name").fill("me")
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Log in").click()
            page.wait_for_load_state("load")
            page.wait_for_timeout(500)
            page.screenshot(path=folder / f"{name}.png")
            page.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
