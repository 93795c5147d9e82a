"""A files location in a bucket, spoken to over S3's own protocol."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from commonplace.archive.core import Archive
from commonplace.archive.files.files import delete_unreferenced, has_file, path_of, put_file, remove_files, there
from commonplace.archive.files.storage import Folder, storage_at
from commonplace.archive.opening import open_archive
from commonplace.errors import Halt, Refused, Retryable
from tests.archive.builders import bytes_of
from tests.fakes.s3 import Bucket, running_bucket

pytest.importorskip("obstore", reason="obstore is not installed")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Bucket]:
    storage_at.cache_clear()
    with running_bucket("receiving") as opened:
        monkeypatch.setenv("AWS_ENDPOINT", opened.url)
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        yield opened
    storage_at.cache_clear()


@pytest.fixture
def shelved(bucket: Bucket, new_database: Callable[[str], str]) -> Iterator[Archive]:
    with open_archive(new_database("sqlite"), files="s3://receiving/some/prefix") as opened:
        yield opened


def test_files_are_kept_read_and_removed_in_a_bucket(shelved: Archive, bucket: Bucket) -> None:
    sha256 = put_file(shelved, io.BytesIO(b"picture"), kind="attachment", name="picture.png")
    assert bucket.objects == {f"some/prefix/{sha256[:2]}/{sha256}": b"picture"}
    assert has_file(shelved, sha256)
    assert there(shelved) == {sha256}
    assert bytes_of(shelved, sha256) == b"picture"
    assert remove_files(shelved, [sha256]) == [sha256]
    assert bucket.objects == {}
    assert path_of(shelved, sha256) is None


def test_what_was_read_once_is_read_here(shelved: Archive, bucket: Bucket) -> None:
    sha256 = put_file(shelved, io.BytesIO(b"picture"), kind="attachment", name="picture.png")
    path_of(shelved, sha256)
    before = len(bucket.requests)
    path = path_of(shelved, sha256)
    assert path is not None
    assert path.read_bytes() == b"picture"
    assert len(bucket.requests) == before


def test_strays_in_the_bucket_are_swept(shelved: Archive, bucket: Bucket) -> None:
    stray = "ab" * 32
    bucket.objects[f"some/prefix/ab/{stray}"] = b"stray"
    bucket.objects["some/prefix/readme.txt"] = b"not ours"
    assert delete_unreferenced(shelved) == [stray]
    assert list(bucket.objects) == ["some/prefix/readme.txt"]


def test_wrong_credentials_stop_the_run_and_are_not_told(shelved: Archive, bucket: Bucket) -> None:
    bucket.status = 403
    with pytest.raises(Halt, match="refused our credentials") as stopped:
        put_file(shelved, io.BytesIO(b"picture"), kind="attachment", name="picture.png")
    assert "secret" not in str(stopped.value)


def test_a_server_that_is_not_there_may_be_tried_again(shelved: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    storage_at.cache_clear()
    monkeypatch.setenv("AWS_ENDPOINT", "http://127.0.0.1:1")
    shelved.files_location = "s3://elsewhere"
    with pytest.raises(Retryable, match="did not answer"):
        has_file(shelved, "ab" * 32)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(Refused, match="not the address of an object store"):
        storage_at("nowhere://bucket")
    assert isinstance(storage_at("/some/folder"), Folder)
