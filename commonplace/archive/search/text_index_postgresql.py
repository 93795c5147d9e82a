"""The text index on PostgreSQL: GIN indexes over functions of the texts, which the server keeps in step.

Nothing but the server itself is needed, no extension: accents are folded by Unicode's own decomposition, and what
separates words is spelled out, so that neither the database's locale nor the parser's idea of URLs decides.
"""

from __future__ import annotations

from sqlalchemy import Connection

from commonplace.archive.spacing import RANGES

_SEPARATORS = (
    ("\x01", "/"),
    (":", "@"),
    ("[", "`"),
    ("{", "\xa9"),
    ("\xab", "\xb1"),
    ("\xb4", "\xb4"),
    ("\xb6", "\xb8"),
    ("\xbb", "\xbb"),
    ("\xbf", "\xbf"),
    ("\xd7", "\xd7"),
    ("\xf7", "\xf7"),
    ("\u2000", "\u206f"),
    ("\u20a0", "\u20cf"),
    ("\u2190", "\u2bff"),
    ("\u3000", "\u3004"),
    ("\u3008", "\u3030"),
    ("\ue000", "\uf8ff"),
    ("\ufe00", "\ufe0f"),
    ("\uff00", "\uff0f"),
    ("\U0001f000", "\U0001faff"),
)
_COLLATIONS = ("pg_c_utf8", "unicode", "und-x-icu", "C.utf8", "en_US.utf8")
"""Collations that lower every script's letters, best first; the database's own where it has none of them."""

_INDEXES = {
    "ix_messages_words": "messages USING gin (commonplace_words(text))",
    "ix_messages_grams": "messages USING gin (commonplace_grams(text))",
}
_TITLE_INDEXES = {
    "ix_conversations_words": "conversations USING gin (commonplace_words(title))",
    "ix_conversations_grams": "conversations USING gin (commonplace_grams(title))",
}

_FOLDED = """
CREATE FUNCTION commonplace_folded(said text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog.lower(pg_catalog.regexp_replace(
        CASE WHEN pg_catalog.octet_length(said) = pg_catalog.char_length(said) THEN said
        ELSE pg_catalog.regexp_replace(normalize(said, NFKD), '[\\u0300-\\u036f]+', '', 'g') END,
        '[{separators}]+', ' ', 'g') {collation})
$$"""
# A tsvector holds a megabyte at most: of a text with more different words than that, the beginning is indexed.
_WORDS = """
CREATE FUNCTION commonplace_words(said text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF pg_catalog.octet_length(said) < 200000 THEN
        RETURN pg_catalog.to_tsvector('pg_catalog.simple', {schema}.commonplace_folded(said));
    END IF;
    BEGIN
        RETURN pg_catalog.to_tsvector('pg_catalog.simple', {schema}.commonplace_folded(said));
    EXCEPTION WHEN program_limit_exceeded THEN
        RETURN pg_catalog.to_tsvector('pg_catalog.simple', {schema}.commonplace_folded(pg_catalog.left(said, 50000)));
    END;
END $$"""
_GRAMS = """
CREATE FUNCTION commonplace_grams(said text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF pg_catalog.octet_length(said) = pg_catalog.char_length(said) OR said !~ '[{scripts}]' THEN
        RETURN NULL;
    END IF;
    RETURN (
        SELECT pg_catalog.array_agg(DISTINCT gram)
        FROM pg_catalog.regexp_matches(said, '[{scripts}]+', 'g') AS run (found)
        CROSS JOIN LATERAL (
            SELECT letter, pg_catalog.lead(letter) OVER (ORDER BY place) AS following
            FROM pg_catalog.string_to_table(run.found[1], NULL) WITH ORDINALITY AS one (letter, place)
        ) AS pair
        CROSS JOIN LATERAL (VALUES (letter), (letter || following)) AS cut (gram)
        WHERE gram IS NOT NULL
    );
END $$"""


def _bracket(ranges: tuple[tuple[str, str], ...]) -> str:
    return "".join(f"\\U{ord(first):08x}-\\U{ord(last):08x}" for first, last in ranges)


class Index:
    """What `text_index` asks of a dialect. Each method runs in the caller's transaction."""

    @staticmethod
    def create(connection: Connection) -> None:
        schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
        for function in (_FOLDED, _WORDS, _GRAMS):
            connection.exec_driver_sql(
                function.replace("{separators}", _bracket(_SEPARATORS))
                .replace("{scripts}", _bracket(RANGES))
                .replace("{collation}", _collation(connection))
                .replace("{schema}", schema)
            )
        _create(connection, _INDEXES | _TITLE_INDEXES)

    @staticmethod
    def drop(connection: Connection) -> None:
        for name in _INDEXES | _TITLE_INDEXES:
            connection.exec_driver_sql(f"DROP INDEX IF EXISTS {name}")
        for function in ("commonplace_words", "commonplace_grams", "commonplace_folded"):
            connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {function}(text)")

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


def _collation(connection: Connection) -> str:
    found = set(
        connection.exec_driver_sql(
            "SELECT collname FROM pg_collation WHERE collnamespace = 'pg_catalog'::regnamespace"
        ).scalars()
    )
    best = next((name for name in _COLLATIONS if name in found), None)
    return f'COLLATE "{best}"' if best else ""
