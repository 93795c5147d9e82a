"""Where people and programs find this home's server: what the links and addresses that are printed begin with."""

from __future__ import annotations

from commonplace.config import Environment, Settings


def base_url(settings: Settings, environment: Environment) -> str:
    """Where it is running, which may be another port than the settings say; else where it will be."""
    from commonplace.stack import web
    from commonplace.web.settings import complete

    port = next(iter(web.ports(settings)), None)
    return complete(settings, environment, port=port, insecure=True).base_url
