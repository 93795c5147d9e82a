"""OMI: what its device heard, sent when a conversation has ended, while it is going on, and at the end of a day."""

from commonplace.sources.omi.reading import (
    NAME as name,
)
from commonplace.sources.omi.reading import (
    PIECES as pieces,
)
from commonplace.sources.omi.reading import (
    READER_VERSION as reader_version,
)
from commonplace.sources.omi.reading import (
    TITLE as title,
)
from commonplace.sources.omi.reading import (
    WHOLES as wholes,
)
from commonplace.sources.omi.reading import covers, read
from commonplace.sources.omi.transcripts import assemble, is_assembled, sittings

__all__ = [
    "assemble",
    "covers",
    "is_assembled",
    "name",
    "pieces",
    "read",
    "reader_version",
    "sittings",
    "title",
    "wholes",
]
