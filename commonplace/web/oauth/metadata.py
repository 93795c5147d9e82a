"""What programs read before they ask: this authorization server (RFC 8414), and whom a resource trusts (RFC 9728)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from commonplace.web.errors import not_found
from commonplace.web.oauth.resources import PATHS, offered_scopes, resource
from commonplace.web.server import Server, server_of

router = APIRouter(prefix="/.well-known")

WITH_SECRET = ["client_secret_basic", "client_secret_post"]


@router.get("/oauth-authorization-server")
def authorization_server(request: Request) -> Response:
    """Only what works."""
    return JSONResponse(_about(server_of(request)))


@router.get("/oauth-protected-resource/{name}")
def protected_resource(request: Request, name: str) -> Response:
    """One of the two resources, at its path."""
    server, path = server_of(request), f"/{name}"
    if path not in PATHS:
        raise not_found("resource")
    told = {
        "resource": resource(server, path),
        "authorization_servers": [server.web.base_url],
        "scopes_supported": list(offered_scopes(server)),
        "bearer_methods_supported": ["header"],
        "resource_name": "Commonplace",
    }
    return JSONResponse(told)


def _about(server: Server) -> dict[str, Any]:
    base = server.web.base_url
    told = {
        "issuer": base,
        "authorization_endpoint": f"{base}/oauth/authorize",
        "token_endpoint": f"{base}/oauth/token",
        "revocation_endpoint": f"{base}/oauth/revoke",
        "introspection_endpoint": f"{base}/oauth/introspect",
        "scopes_supported": list(offered_scopes(server)),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", *WITH_SECRET],
        "revocation_endpoint_auth_methods_supported": ["none", *WITH_SECRET],
        "introspection_endpoint_auth_methods_supported": WITH_SECRET,
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
    }
    if server.settings.server.allow_registration:
        told["registration_endpoint"] = f"{base}/oauth/register"
    return told
