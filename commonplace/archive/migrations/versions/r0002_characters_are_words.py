"""The text index takes characters of scripts without spaces for words, in one column.

As it was made then, for new archives and old ones: an index that was there before gives way to this one, and the next
search fills it.
"""

from alembic import op
from sqlalchemy import Connection, text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

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
_SCRIPTS = (
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u0f00", "\u0fff"),  # Tibetan
    ("\u1000", "\u109f"),  # Burmese
    ("\u1100", "\u11ff"),  # Hangul letters
    ("\u1780", "\u17ff"),  # Khmer
    ("\u2e80", "\u2fdf"),  # radicals
    ("\u3005", "\u3007"),  # signs that repeat an ideograph, and the ideographic zero
    ("\u3031", "\u3035"),
    ("\u3040", "\u318f"),  # kana, Bopomofo, Hangul letters
    ("\u31a0", "\u31ff"),
    ("\u3400", "\u4dbf"),
    ("\u4e00", "\u9fff"),
    ("\ua960", "\ua97f"),
    ("\uac00", "\ud7ff"),  # Hangul
    ("\uf900", "\ufaff"),
    ("\uff66", "\uffdc"),  # halfwidth kana and Hangul
    ("\U0001b000", "\U0001b16f"),
    ("\U00020000", "\U0003ffff"),
)

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
_INDEXES = {
    "ix_messages_words": "messages USING gin (commonplace_words(text))",
    "ix_messages_grams": "messages USING gin (commonplace_grams(text))",
    "ix_conversations_words": "conversations USING gin (commonplace_words(title))",
    "ix_conversations_grams": "conversations USING gin (commonplace_grams(title))",
}

_TOKENIZER = "unicode61 remove_diacritics 2 categories 'L* N* M*' separators '\ufe0e\ufe0f'"
_TABLES = {"messages_fts": "text", "titles_fts": "title"}
_ROW_ID = (
    "({row}.conversation_key << 32) | ({row}.key << 3) | (CASE {row}.role WHEN 'user' THEN 0 WHEN 'assistant' THEN 2 "
    "WHEN 'tool' THEN 4 WHEN 'system' THEN 6 ELSE 0 END) | ({row}.is_hidden <> 0)"
)
_SAID = f"INSERT INTO messages_fts (rowid, text) VALUES ({_ROW_ID}, spaced({{row}}.text));".format(row="new")
_UNSAID = (
    f"INSERT INTO messages_fts (messages_fts, rowid, text) VALUES ('delete', {_ROW_ID}, spaced({{row}}.text));"
).format(row="old")
_TITLED = "INSERT INTO titles_fts (rowid, title) SELECT new.key, spaced(new.title)"
_UNTITLED = "INSERT INTO titles_fts (titles_fts, rowid, title) SELECT 'delete', old.key, spaced(old.title)"
_SAID_CHANGES = "UPDATE OF key, conversation_key, text, role, is_hidden"
_TRIGGERS = {
    "messages_fts_insert": f"AFTER INSERT ON messages  BEGIN {_SAID} END",
    "messages_fts_delete": f"AFTER DELETE ON messages  BEGIN {_UNSAID} END",
    "messages_fts_update": f"AFTER {_SAID_CHANGES} ON messages  BEGIN {_UNSAID} {_SAID} END",
    "titles_fts_insert": f"AFTER INSERT ON conversations WHEN new.title IS NOT NULL BEGIN {_TITLED}; END",
    "titles_fts_delete": f"AFTER DELETE ON conversations WHEN old.title IS NOT NULL BEGIN {_UNTITLED}; END",
    "titles_fts_update": "AFTER UPDATE OF title ON conversations WHEN old.title IS NOT new.title "
    f"BEGIN {_UNTITLED} WHERE old.title IS NOT NULL; {_TITLED} WHERE new.title IS NOT NULL; END",
}


def upgrade() -> None:
    connection = op.get_bind()
    is_empty = connection.execute(text("SELECT key FROM messages LIMIT 1")).first() is None
    make = _make_in_sqlite if connection.dialect.name == "sqlite" else _make_in_postgresql
    make(connection, is_empty)
    connection.execute(text("DELETE FROM archive_settings WHERE name = 'text_index'"))
    state = {"value": "live" if is_empty else "new"}
    connection.execute(text("INSERT INTO archive_settings (name, value) VALUES ('text_index', :value)"), state)


def _make_in_sqlite(connection: Connection, is_empty: bool) -> None:
    for table, column in _TABLES.items():
        for event in ("insert", "delete", "update"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_{event}")
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
        connection.exec_driver_sql(
            f"CREATE VIRTUAL TABLE {table} USING fts5({column}, content='', tokenize=\"{_TOKENIZER}\")"
        )
    for name, trigger in _TRIGGERS.items():
        if is_empty or name.startswith("titles"):
            connection.exec_driver_sql(f"CREATE TRIGGER {name} {trigger}")
    connection.exec_driver_sql(
        "INSERT INTO titles_fts (rowid, title) SELECT key, spaced(title) FROM conversations WHERE title IS NOT NULL"
    )


def _make_in_postgresql(connection: Connection, is_empty: bool) -> None:
    for name in _INDEXES:
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS {name}")
    for name in ("commonplace_words", "commonplace_grams", "commonplace_folded"):
        connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {name}(text)")
    schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
    for function in (_FOLDED, _WORDS, _GRAMS):
        connection.exec_driver_sql(
            function.replace("{separators}", _bracket(_SEPARATORS))
            .replace("{scripts}", _bracket(_SCRIPTS))
            .replace("{collation}", _collation(connection))
            .replace("{schema}", schema)
        )
    for name, what in _INDEXES.items():
        if is_empty or what.startswith("conversations"):
            connection.exec_driver_sql(f"CREATE INDEX {name} ON {what}")


def _bracket(ranges: tuple[tuple[str, str], ...]) -> str:
    return "".join(f"\\U{ord(first):08x}-\\U{ord(last):08x}" for first, last in ranges)


def _collation(connection: Connection) -> str:
    found = set(
        connection.exec_driver_sql(
            "SELECT collname FROM pg_collation WHERE collnamespace = 'pg_catalog'::regnamespace"
        ).scalars()
    )
    best = next((name for name in _COLLATIONS if name in found), None)
    return f'COLLATE "{best}"' if best else ""
