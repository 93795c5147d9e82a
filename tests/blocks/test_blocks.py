"""Every block passes Prefect's own suite, and shows no secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite
from pydantic import SecretStr

import blocks
from blocks import ArchiveBlock, MarkdownFolder, NotionCredentials, OpenAICredentials

ALL = [getattr(blocks, name) for name in blocks.__all__]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
class TestEveryBlock(BlockStandardTestSuite):
    @pytest.fixture
    def block(self, kind: type[Block]) -> type[Block]:
        return kind


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (ArchiveBlock, {"url": "postgresql://me:hush@host/db"}),
        (OpenAICredentials, {"api_key": "hush"}),
        (NotionCredentials, {"token": "hush"}),
    ],
)
def test_a_block_shows_no_secret(kind: type[Block], fields: dict[str, Any]) -> None:
    block = kind(**fields)
    assert "hush" not in repr(block)
    assert "hush" not in str(block.model_dump())


def test_an_archive_block_opens_its_archive(tmp_path: Path) -> None:
    with ArchiveBlock(url=SecretStr(f"sqlite:///{tmp_path / 'a.db'}")).open() as archive:
        assert archive.owner == "me"


def test_credentials_give_clients_of_the_address_they_name() -> None:
    client = OpenAICredentials(api_key=SecretStr("k"), base_url="http://127.0.0.1:1/v1").get_client()
    assert str(client.base_url) == "http://127.0.0.1:1/v1/"
    notion = NotionCredentials(token=SecretStr("k"), base_url="http://127.0.0.1:1").get_client()
    assert notion.options.notion_version == "2026-03-11"
    notion.close()


def test_a_folder_block_knows_its_path(tmp_path: Path) -> None:
    assert MarkdownFolder(folder=str(tmp_path)).path() == tmp_path
