"""The floor of `benchmarks.server`: an application that does nothing, on the server that ours runs on.

    python -m benchmarks.servers.bare            prints {"url": ...} once it answers

It reads what is sent, and answers as many bytes as the query says.
"""

from __future__ import annotations

import json

from starlette.types import Receive, Scope, Send

from commonplace.web.serving import listen, runner
from commonplace.web.settings import WebSettings


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        for done in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{done}.complete"})
        return
    while (await receive()).get("more_body"):
        pass
    body = b"x" * int(scope["query_string"] or 2)
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    listener = listen(WebSettings(host="127.0.0.1", port=0, base_url="", hosts=frozenset()))
    told = json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"})
    runner(application, lambda: print(told, flush=True)).run(sockets=[listener])


if __name__ == "__main__":
    main()
