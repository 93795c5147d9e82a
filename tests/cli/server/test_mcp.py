"""`commonplace mcp`: a program of this machine talks to the archive over standard input and output."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import pytest
from mcp import Client, StdioServerParameters

from commonplace.archive.conversations.merge import merge
from commonplace.session import open_session
from tests.archive.builders import simple_chat


@pytest.mark.timeout(300)
def test_the_archive_is_reached_over_standard_input() -> None:
    with open_session() as session:
        merge(session.archive, None, [simple_chat("c-1", "how to bake bread", "with patience", updated=5)])
    server = StdioServerParameters(command=sys.executable, args=["-m", "commonplace", "mcp"], env=dict(os.environ))

    async def whole() -> None:
        async with Client(server) as client:
            found = await client.call_tool("search", {"query": "bread"})
            assert json.loads(found.content[0].text)["results"][0]["id"] == "chatgpt:c-1"  # type: ignore[union-attr]

    asyncio.run(whole())
