"""Opening an archive."""

from commonplace.archive.core import Archive, open_archive
from commonplace.archive.migrate import current_revision
from commonplace.archive.migrations import HEAD


def test_a_new_archive_is_at_the_newest_revision(archive: Archive) -> None:
    with archive.read() as connection:
        assert current_revision(connection) == HEAD


def test_opening_it_again_changes_nothing(archive: Archive, archive_url: str) -> None:
    with open_archive(archive_url) as again, again.read() as connection:
        assert current_revision(connection) == HEAD
