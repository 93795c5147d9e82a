"""Every block passes Prefect's own suite, and shows no secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite
from pydantic import SecretStr

import blocks
from blocks import ArchiveBlock, NotionCredentials, OpenAICredentials
from commonplace.destinations import registry

ALL = list(blocks.ALL.values())


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


def test_every_kind_of_destination_has_a_block_with_what_may_be_given_to_it() -> None:
    for name in registry.kinds():
        kind = registry.kind_named(name)
        block = blocks.ALL[name]
        assert getattr(blocks, kind.block) is block
        assert set(block.model_fields) == {given.setting for given in kind.given}
        secrets = {name for name, field in block.model_fields.items() if field.annotation is SecretStr}
        assert secrets == {given.setting for given in kind.given if given.is_secret}


def test_blocks_that_were_saved_before_are_still_found() -> None:
    assert {block.get_block_type_slug() for block in ALL} >= {
        "commonplace-archive",
        "commonplace-markdown-folder",
        "commonplace-notion",
        "commonplace-openai",
    }
