"""The text index on PostgreSQL: GIN indexes over functions of the texts, which the server keeps in step.

Nothing but the server itself is needed, no extension. A revision (0002) makes the functions: accents are folded by
Unicode's own decomposition, and what separates words is spelled out, so that neither the database's locale nor the
parser's idea of URLs decides.
"""

from __future__ import annotations

from sqlalchemy import Connection

_INDEXES = {
    "ix_messages_words": "messages USING gin (commonplace_words(text))",
    "ix_messages_grams": "messages USING gin (commonplace_grams(text))",
}
_TITLE_INDEXES = {
    "ix_conversations_words": "conversations USING gin (commonplace_words(title))",
    "ix_conversations_grams": "conversations USING gin (commonplace_grams(title))",
}


class Index:
    """What `text_index` asks of a dialect. Each method runs in the caller's transaction."""

    @staticmethod
    def stop(connection: Connection) -> None:
        for name in _INDEXES:
            connection.exec_driver_sql(f"DROP INDEX IF EXISTS {name}")

    @staticmethod
    def begin(connection: Connection) -> None:
        pass

    @staticmethod
    def build(connection: Connection, upto: int) -> int | None:
        """All at once: the server holds back those who write, and only them."""
        _create(connection, _INDEXES)
        return None

    @staticmethod
    def finish(connection: Connection) -> None:
        connection.exec_driver_sql("ANALYZE messages")

    @staticmethod
    def renew_titles(connection: Connection) -> None:
        for name in _TITLE_INDEXES:
            connection.exec_driver_sql(f"DROP INDEX IF EXISTS {name}")
        _create(connection, _TITLE_INDEXES)

    @staticmethod
    def check(connection: Connection) -> list[str]:
        found = connection.exec_driver_sql(
            "SELECT relname FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid WHERE indisvalid"
        )
        missing = (_INDEXES | _TITLE_INDEXES).keys() - set(found.scalars())
        return [f"The index {name} is missing or not valid." for name in sorted(missing)]


def _create(connection: Connection, indexes: dict[str, str]) -> None:
    for name, what in indexes.items():
        connection.exec_driver_sql(f"CREATE INDEX IF NOT EXISTS {name} ON {what}")
