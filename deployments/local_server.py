"""The Prefect server as `commonplace up` runs it: the usual application, and one page that logs the browser in.

Prefect's UI keeps its password in the browser's local storage. The login page takes it from the address's fragment,
which never leaves the browser, so that the printed address opens the UI without typing.
"""

from __future__ import annotations

from pathlib import Path

import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from prefect.server.api.server import create_app as create_prefect_app
from prefect.settings import get_current_settings

from commonplace.private import make_private, open_to_others

LOGIN_PAGE = """<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<title>Commonplace</title><p>Opening the Prefect UI…</p>
<script>
  const token = location.hash.slice(1);
  if (token) localStorage.setItem("prefect-password", token);
  history.replaceState(null, "", location.pathname);
  location.replace("/runs");
</script>"""


def create_app() -> FastAPI:
    """The server's ASGI application; its settings come from the environment."""
    app = create_prefect_app(final=True)
    for path in open_to_others(Path(str(get_current_settings().server.ui.static_directory))):
        make_private(path)  # Prefect copies its pages there with the modes that they had
    login = FastAPI(openapi_url=None)

    @login.get("/login", response_class=HTMLResponse)
    def log_in() -> HTMLResponse:
        headers = {"Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; frame-ancestors 'none'"}
        return HTMLResponse(LOGIN_PAGE, headers=headers)

    app.mount("/commonplace", login)
    # The UI is mounted on "/" and would swallow the page: ours goes first.
    app.router.routes.insert(0, app.router.routes.pop())
    return app


if __name__ == "__main__":
    api = get_current_settings().server.api
    uvicorn.run(create_app(), host=api.host, port=api.port, log_level="warning", timeout_graceful_shutdown=10)
