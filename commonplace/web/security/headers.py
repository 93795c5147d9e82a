"""What every reply tells the browser: run nothing that is not ours, show it in no frame, and tell nobody."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOR_EVERY_REPLY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}
YEAR = 31_536_000


def content_security_policy(*, forms_to: Sequence[str] = ()) -> str:
    """Everything from here and nothing inline. A form may also lead to `forms_to`: browsers count redirects."""
    targets = " ".join(["'self'", *forms_to])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        f"connect-src 'self'; form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
    )


class SecurityHeaders:
    """Adds them to replies that do not say otherwise."""

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self._app = app
        headers = {**FOR_EVERY_REPLY, "content-security-policy": content_security_policy()}
        if is_https:
            headers["strict-transport-security"] = f"max-age={YEAR}"
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = {name for name, _ in message["headers"]}
                ours = [header for header in self._headers if header[0] not in said]
                message["headers"] = [*message["headers"], *ours]
            await send(message)

        return await self._app(scope, receive, send_with_headers)
