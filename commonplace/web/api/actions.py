"""What a GPT's Action reads to know the API: made for it, with one https server and no more than it takes.

ChatGPT's bounds: 30 operations, 300 characters for what an operation does, 700 for a parameter. Nothing here changes
anything, so that nobody is asked before each call.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from commonplace import __version__
from commonplace.archive.access.scopes import ASK, EVERYTHING, MEANINGS, MEMORIES, READING
from commonplace.web.server import server_of

router = APIRouter()

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
MAYBE: Schema = {"type": ["string", "null"]}


@router.get("/chatgpt/openapi.json")
def openapi(request: Request) -> Response:
    """The document. It holds nothing of anybody, and ChatGPT fetches it before anybody logged in."""
    return JSONResponse(document(server_of(request).web.base_url))


def document(base_url: str) -> Schema:
    flow = {
        "authorizationUrl": f"{base_url}/oauth/authorize",
        "tokenUrl": f"{base_url}/oauth/token",
        "scopes": {scope: MEANINGS[scope] for scope in READING},
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Commonplace",
            "version": __version__,
            "description": "The person's archive of AI conversations: list, search, read, and answers from it.",
        },
        "servers": [{"url": base_url}],
        "paths": _paths(),
        "components": {
            "schemas": {"Conversation": CONVERSATION, "Found": FOUND, "Problem": PROBLEM},
            "securitySchemes": {"commonplace": {"type": "oauth2", "flows": {"authorizationCode": flow}}},
        },
    }


def _paths() -> Schema:
    page = [_query("cursor", "next_cursor of the reply before, with everything else as it was there.")]
    choose = [
        _query("project", "Only this project: its name or id."),
        _query("category", "Only this category."),
        _query("source", "Only from there: chatgpt, omi ..., or from one account of it: chatgpt@work."),
    ]
    dates = [_query(name, f"{what}: 2026-03-01, 2026-03 or 2026.") for name, what in DATES.items()]
    found = _object(results=_list("Found"), next_cursor=TEXT)
    return {
        "/api/conversations": _get(
            "listConversations",
            "Lists conversations, the newest first.",
            MEMORIES,
            [*choose, *dates, _limit(100), *page],
            _object(conversations=_list("Conversation"), next_cursor=TEXT),
            {**_of_first("conversations"), "more": _more("listConversations")},
        ),
        "/api/conversations/{id}": _get(
            "readConversation",
            "Reads one conversation. A long one comes in parts: go on with next_cursor.",
            MEMORIES,
            [ID, *page],
            _object(id=TEXT, transcript=TEXT, structured={"type": "object"}, url=MAYBE, next_cursor=TEXT),
            {"more": _more("readConversation", id="$request.path.id")},
        ),
        "/api/conversations/{id}/similar": _get(
            "similarConversations",
            "Finds the conversations nearest to one in meaning.",
            EVERYTHING,
            [ID, _limit(20)],
            found,
            _of_first("results"),
        ),
        "/api/search": _get(
            "searchConversations",
            'Finds conversations by words and by meaning. "Phrases", -exclusions and prefix* work.',
            EVERYTHING,
            [_query("q", "What to look for.", is_required=True), *choose, _limit(100), *page],
            found,
            {**_of_first("results"), "more": _more("searchConversations", q="$request.query.q")},
        ),
        "/api/projects": _get(
            "listProjects",
            "Lists the person's projects.",
            EVERYTHING,
            page,
            _object(projects={"type": "array", "items": PROJECT}),
            {"inside": _link("listConversations", project="$response.body#/projects/0/id")},
        ),
        "/api/stats": _get(
            "archiveStats", "Tells how much there is in the archive.", EVERYTHING, [], {"type": "object"}
        ),
        "/api/ask": {"post": _asking()},
    }


def _asking() -> Schema:
    body = _object(question={**TEXT, "maxLength": 2000, "minLength": 1}, project={**TEXT, "maxLength": 200})
    body |= {"required": ["question"], "additionalProperties": False}
    asked = _operation(
        "askArchive",
        "Answers a question from the archive, with the conversations that the answer stands on.",
        ASK,
        _object(answer=TEXT, sources={"type": "array", "items": {"type": "object"}}, model=TEXT),
    )
    content = {"application/json": {"schema": body}}
    return asked | {"requestBody": {"required": True, "content": content}, "x-openai-isConsequential": False}


def _get(
    id: str, does: str, scope: str, parameters: list[Schema], answer: Schema, links: Schema | None = None
) -> Schema:
    operation = _operation(id, does, scope, answer) | {"parameters": parameters}
    operation["responses"]["200"] |= {"links": links} if links else {}
    return {"get": operation}


def _link(operation: str, **parameters: str) -> Schema:
    """What of a reply another operation takes."""
    return {"operationId": operation, "parameters": parameters}


def _of_first(name: str) -> Schema:
    id = f"$response.body#/{name}/0/id"
    return {"read": _link("readConversation", id=id), "similar": _link("similarConversations", id=id)}


def _more(operation: str, **parameters: str) -> Schema:
    return _link(operation, cursor="$response.body#/next_cursor", **parameters)


def _operation(id: str, does: str, scope: str, answer: Schema) -> Schema:
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "operationId": id,
        "summary": does,
        "security": [{"commonplace": [scope]}],
        "responses": {
            "200": {"description": "OK", "content": {"application/json": {"schema": answer}}},
            "default": {"description": "Why not.", "content": problem},
        },
    }


def _query(name: str, about: str, *, is_required: bool = False) -> Schema:
    schema = {**TEXT, "maxLength": {"cursor": 2000, "q": 500}.get(name, 200)}
    return {"name": name, "in": "query", "description": about, "required": is_required, "schema": schema}


def _limit(most: int) -> Schema:
    schema = {**NUMBER, "minimum": 1, "maximum": most}
    return {"name": "limit", "in": "query", "description": "At most so many.", "required": False, "schema": schema}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}


def _list(name: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


DATES = {"since": "From then on", "until": "Before then"}
ID: Schema = {"name": "id", "in": "path", "description": "The conversation's id.", "required": True, "schema": TEXT}
CONVERSATION = _object(id=TEXT, title=TEXT, created_at=MAYBE, category=MAYBE, overview=TEXT, source=TEXT, project=MAYBE)
FOUND = _object(id=TEXT, title=TEXT, created_at=MAYBE, snippet=TEXT, category=MAYBE, project=MAYBE, source=TEXT)
PROJECT = _object(id=TEXT, name=MAYBE, conversations=NUMBER)
PROBLEM = _object(error=TEXT, message=TEXT, hint=TEXT, id=TEXT)
