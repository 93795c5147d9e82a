"""Parameters of a request, each at most once: what is told twice could be understood in two ways."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from commonplace.web.oauth.errors import OAuthError

LONGEST = 4000
MOST = 50


class Parameters(msgspec.Struct, frozen=True):
    """One value of each name. An empty one counts as not sent; only `resource` may be there several times."""

    values: dict[str, str]
    resources: tuple[str, ...] = ()

    def get(self, name: str) -> str | None:
        return self.values.get(name) or None

    def need(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise OAuthError("invalid_request", f"{name} is missing.")
        return value


def read(pairs: Iterable[tuple[str, str]]) -> Parameters:
    values: dict[str, str] = {}
    resources: list[str] = []
    for name, value in pairs:
        if len(value) > LONGEST:
            raise OAuthError("invalid_request", f"{name[:50]} is too long.")
        if name == "resource":
            resources.append(value)
        elif name in values:
            raise OAuthError("invalid_request", f"{name[:50]} is there twice.")
        else:
            values[name] = value
    return Parameters(values, tuple(filter(None, resources)))


def in_query(request: Request) -> Parameters:
    return read(request.query_params.multi_items())


async def in_form(request: Request) -> Parameters:
    """Those of the body, which is a form and nothing else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", "The body has to be a form: application/x-www-form-urlencoded.")
    try:
        text = (await request.body()).decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST, errors="strict")
    except ValueError:
        raise OAuthError("invalid_request", "The form cannot be read.") from None
    return read(pairs)
