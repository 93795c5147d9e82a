"""Where people and programs find this home's server: what the links and addresses that are printed begin with."""

from __future__ import annotations

from commonplace.config import Environment, Settings


def base_url(settings: Settings, environment: Environment) -> str:
    """Where it is running, because `up` takes another port where the first is taken; else where it will be."""
    from commonplace.stack import processes, server, web
    from commonplace.web.settings import complete

    running = processes.recorded(server.records(settings), web.NAME)
    port = running[0].port if running else None
    return complete(settings, environment, port=port, insecure=True).base_url
