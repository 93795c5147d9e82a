"""The fake Notion refuses what Notion refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.notion import FakeNotion
from tests.fakes.notion.markdown import Block, plain, read


@pytest.fixture
def notion() -> Iterator[FakeNotion]:
    with FakeNotion(window_seconds=60, per_window=1000) as server:
        yield server


@pytest.fixture
def http(notion: FakeNotion) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {notion.token}", "Notion-Version": "2026-03-11"}
    with httpx.Client(base_url=f"{notion.base_url}/v1", headers=headers) as client:
        yield client


def page(source: str, **body: Any) -> dict[str, Any]:
    return {"parent": {"type": "data_source_id", "data_source_id": source}, "properties": {}} | body


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "text": {"content": content}}


def nested(depth: int) -> dict[str, Any]:
    block: dict[str, Any] = {"rich_text": [text(str(depth))]}
    if depth:
        block["children"] = [nested(depth - 1)]
    return {"type": "toggle", "toggle": block}


@pytest.mark.parametrize(
    "body",
    [
        {"properties": {"Nowhere": {"number": 1}}},
        {"properties": {"Name": {"title": [text("x" * 2001)]}}},
        {"properties": {"Name": {"title": [text("x")] * 101}}},
        {"properties": {"Category": {"select": {"name": "a, b"}}}},
        {"properties": {"Tags": {"multi_select": [{"name": str(n)} for n in range(101)]}}},
        {"properties": {"Link": {"url": ""}}},
        {"properties": {"Messages": {"number": "1"}}},
        {"children": [{"type": "divider", "divider": {}}] * 101},
        {"children": [nested(3)]},
        {"children": [{"type": "code", "code": {"rich_text": [], "language": "tsx"}}]},
        {"children": [{"type": "equation", "equation": {"expression": "x" * 1001}}]},
        {"markdown": "x"},
        {"markdown": "x", "markdown_version": "v1"},
        {"markdown": "x", "markdown_version": "v2", "children": []},
        {"markdown": "[x](nowhere)", "markdown_version": "v2"},
        {"markdown_version": "v2"},
        {"unheard_of": 1},
    ],
)
def test_what_breaks_a_limit_is_a_validation_error(
    notion: FakeNotion, http: httpx.Client, body: dict[str, Any]
) -> None:
    answer = http.post("/pages", json=page(notion.add_database(), **body))
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert notion.rows() == []


def test_a_request_over_500_kb_is_too_large(notion: FakeNotion, http: httpx.Client) -> None:
    body = page(notion.add_database(), markdown="x" * 512_000, markdown_version="v2")
    assert http.post("/pages", json=body).status_code == 413


def test_versions_and_tokens_are_required(notion: FakeNotion, http: httpx.Client) -> None:
    assert http.get("/users/me").status_code == 200
    assert http.get("/users/me", headers={"Notion-Version": ""}).json()["code"] == "missing_version"
    assert http.get("/users/me", headers={"Authorization": "Bearer x"}).status_code == 401


def test_windows_are_fixed_and_say_when_they_end(http: httpx.Client, notion: FakeNotion) -> None:
    notion.per_window = 3
    assert [http.get("/users/me").status_code for _ in range(3)] == [200] * 3
    refused = http.get("/users/me")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert refused.json()["additional_data"]["rate_limit_reason"] == "public_api_request_rate_limit"


def test_a_query_ends_at_its_cap_and_says_so(http: httpx.Client, notion: FakeNotion) -> None:
    notion.query_cap = 150
    source = notion.add_database()
    for n in range(160):
        notion.add_row(source, {"Name": str(n)})
    first = http.post(f"/data_sources/{source}/query", json={}).json()
    second = http.post(f"/data_sources/{source}/query", json={"start_cursor": first["next_cursor"]}).json()
    assert (len(first["results"]), len(second["results"]), second["has_more"]) == (100, 50, False)
    assert second["request_status"]["type"] == "incomplete"
    assert http.post(f"/data_sources/{source}/query", json={"page_size": 101}).status_code == 400


def test_a_page_in_the_trash_cannot_be_edited(http: httpx.Client, notion: FakeNotion) -> None:
    source = notion.add_database()
    row = notion.add_row(source, {"Name": "x"})
    notion.trash(row.id)
    answer = http.patch(f"/pages/{row.id}", json={"properties": {}})
    assert answer.status_code == 400
    assert http.get(f"/pages/{row.id}").json()["in_trash"]
    notion.delete(row.id)
    assert http.get(f"/pages/{row.id}").status_code == 404


def test_what_the_dialect_does_not_know_is_remembered(http: httpx.Client, notion: FakeNotion) -> None:
    body = "<div>x</div>\n\n    code\n\n```tsx\n```"
    http.post("/pages", json=page(notion.add_database(), markdown=body, markdown_version="v2"))
    assert len(notion.warnings) == 3


def test_a_page_within_another_is_a_block_of_it_until_it_is_in_the_trash(
    http: httpx.Client, notion: FakeNotion
) -> None:
    row = notion.add_row(notion.add_database(), {"Name": "x"})
    parent = {"type": "page_id", "page_id": row.id}
    body = {"parent": parent, "properties": {"title": {"title": [text("Within")]}}}
    inside = http.post("/pages", json=body | {"markdown": "words", "markdown_version": "v2"}).json()["id"]
    (block,) = http.get(f"/blocks/{row.id}/children").json()["results"]
    assert (block["id"], block["child_page"]["title"]) == (inside, "Within")
    anew = {"type": "replace_content", "replace_content": {"new_str": "y"}, "markdown_version": "v2"}
    assert "child page" in http.patch(f"/pages/{row.id}/markdown", json=anew).json()["message"]
    assert http.patch(f"/pages/{inside}", json={"in_trash": True}).status_code == 200
    assert notion.inside(row.id) == []
    assert http.patch(f"/pages/{row.id}/markdown", json=anew).status_code == 200
    assert [page.id for page in notion.rows()] == [row.id]


def test_a_page_ends_at_its_number_of_blocks(http: httpx.Client, notion: FakeNotion) -> None:
    notion.records_per_page = 3
    source = notion.add_database()
    row = notion.add_row(source, {"Name": "x"})
    for markdown, status in (("- a\n- b", 200), ("- c\n- d", 400), ("- c", 200)):
        insert = {"content": markdown, "position": {"type": "end"}}
        answer = http.patch(f"/pages/{row.id}/markdown", json={"type": "insert_content", "insert_content": insert,
                                                               "markdown_version": "v2"})  # fmt: skip
        assert answer.status_code == status
    assert row.text == "a\nb\nc"
    answer = http.post("/pages", json=page(source, markdown="- a\n" * 4, markdown_version="v2"))
    assert answer.json()["additional_data"] == {"limit_kind": "page_record_count"}


def test_options_and_columns_keep_their_ids_under_other_names(http: httpx.Client, notion: FakeNotion) -> None:
    source = notion.add_database()
    row = notion.add_row(source, {"Name": "x", "Category": "Coding", "Tags": ["a", "b"]})

    def seen() -> dict[str, Any]:
        return dict(http.get(f"/pages/{row.id}").json()["properties"])

    before = seen()
    schema = http.get(f"/data_sources/{source}").json()["properties"]
    assert before["Category"]["select"]["id"] == schema["Category"]["select"]["options"][0]["id"]
    notion.rename_option(source, "Category", "Coding", "Programming")
    notion.rename_property(source, "Category", "Topic")
    after = seen()
    assert after["Topic"]["id"] == before["Category"]["id"]
    assert after["Topic"]["select"] == before["Category"]["select"] | {"name": "Programming"}
    by_id = {"properties": {after["Topic"]["id"]: {"select": {"name": "Cooking"}}}}
    assert http.patch(f"/pages/{row.id}", json=by_id).status_code == 200
    assert row.value("Topic") == "Cooking"
    column = {"filter": {"property": after["Name"]["id"], "rich_text": {"equals": "x"}}}
    assert len(http.post(f"/data_sources/{source}/query", json=column).json()["results"]) == 1
    notion.remove_property(source, "Topic")
    assert http.patch(f"/pages/{row.id}", json=by_id).status_code == 400


def test_what_is_read_back_says_the_same_in_other_words(http: httpx.Client, notion: FakeNotion) -> None:
    head, list_, table = "# Head\n\none\\\ntwo *three*", "- a\n  - b", "| a |\n| --- |\n| b |"
    body = "\n\n".join([head, list_, "<toggle>\nMore\n\n```python\nx = 1\n```\n</toggle>", table])
    made = http.post("/pages", json=page(notion.add_database(), markdown=body, markdown_version="v2")).json()
    row = notion.rows()[0]
    notion.write_on(row.id, Block("paragraph", "mine [x]"), Block("bookmark"))
    read_back = http.get(f"/pages/{made['id']}/markdown?markdown_version=v2").json()["markdown"]
    assert "one\\\ntwo three" in read_back
    assert read_back.endswith('mine \\[x\\]\n\n<unknown url="https://app.notion.com/p/" alt="bookmark"/>')
    assert plain(read(read_back.rpartition("mine")[0]).blocks).split() == row.text.rpartition("mine")[0].split()


def upload(http: httpx.Client, name: str = "a.png", type_: str = "image/png", content: bytes = b"bytes") -> str:
    made = http.post("file_uploads", json={"mode": "single_part", "filename": name, "content_type": type_}).json()
    sent = http.post(f"file_uploads/{made['id']}/send", files={"file": (name, content, type_)})
    assert sent.status_code == 200
    return str(made["id"])


def shows(upload_id: str) -> dict[str, Any]:
    return {"type": "image", "image": {"type": "file_upload", "file_upload": {"id": upload_id}, "caption": [text("a")]}}


def test_an_upload_is_shown_as_often_as_one_likes_but_in_its_first_hour(notion: FakeNotion, http: httpx.Client) -> None:
    source = notion.add_database()
    early, late = upload(http), upload(http)
    assert http.post("pages", json=page(source, children=[shows(early)])).status_code == 200
    notion.pass_time(61)
    assert http.post("pages", json=page(source, children=[shows(early), shows(early)])).status_code == 200
    assert http.post("pages", json=page(source, children=[shows(late)])).status_code == 400
    assert [block.file for row in notion.rows() for block in row.blocks] == [notion.uploads[early].sha256] * 3


def test_what_is_no_upload_or_not_what_was_said_is_refused(notion: FakeNotion, http: httpx.Client) -> None:
    source = notion.add_database()
    body = {"mode": "single_part", "filename": "a.png", "content_type": "image/png"}
    pending = http.post("file_uploads", json=body).json()["id"]
    assert http.post("pages", json=page(source, children=[shows(pending)])).status_code == 400
    assert http.post("pages", json=page(source, children=[shows("none")])).status_code == 400
    assert http.post("file_uploads", json=body | {"content_type": "image/gif"}).status_code == 400
    assert http.post("file_uploads", json=body | {"filename": "a.zip"}).status_code == 400
    send = f"file_uploads/{pending}/send"
    assert http.post(send, files={"file": ("a.png", b"x", "text/plain")}).status_code == 400
    assert http.post(send, files={"file": ("a.png", b"x", "image/png")}).status_code == 200
    assert http.post(send, files={"file": ("a.png", b"x", "image/png")}).status_code == 400
    assert http.post("file_uploads/none/send", files={"file": ("a.png", b"x", "image/png")}).status_code == 404
