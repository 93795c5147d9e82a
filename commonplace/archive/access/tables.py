"""The tables of those who come in from outside.

A token, code or key is never stored, only the SHA-256 of it: who reads the database, or a backup, cannot come in with
what stands there. What is short-lived (sessions, links, codes, borrowed secrets) is in no backup.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Table

from commonplace.archive.metadata import Moment, metadata
from commonplace.archive.texts import StoredText

users = Table(
    "users",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("name", StoredText, nullable=False, unique=True, comment="as typed at the login, case folded"),
    Column("password_hash", StoredText),
    Column("is_disabled", Boolean, nullable=False, server_default="0"),
    Column("created_at", Moment, nullable=False),
    Column("password_set_at", Moment),
    comment="Each user is an owner, whose conversations no other sees.",
)

omi_uids = Table(
    "omi_uids",
    metadata,
    Column("uid", StoredText, primary_key=True),
    Column("owner", StoredText, nullable=False),
    Column("claimed_at", Moment, nullable=False),
    comment="Whose conversations OMI means by a uid.",
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", StoredText, primary_key=True),
    Column("owner", StoredText, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("address", StoredText, nullable=False),
    Column("agent", StoredText, nullable=False),
    Index("ix_sessions_owner", "owner"),
)

login_links = Table(
    "login_links",
    metadata,
    Column("token_hash", StoredText, primary_key=True),
    Column("owner", StoredText, nullable=False),
    Column("expires_at", Moment, nullable=False),
    comment="Links that let their holder set a password, once.",
)

borrowed_secrets = Table(
    "borrowed_secrets",
    metadata,
    Column("id", StoredText, primary_key=True),
    Column("owner", StoredText, nullable=False),
    Column("name", StoredText, nullable=False, comment="the variable it stands for: OPENAI_API_KEY"),
    Column("ciphertext", StoredText, nullable=False),
    Column("expires_at", Moment, nullable=False),
    comment="Keys that a person lends for a while, encrypted with a key that is not in the database.",
)

clients = Table(
    "oauth_clients",
    metadata,
    Column("id", StoredText, primary_key=True),
    Column("name", StoredText, nullable=False),
    Column(
        "kind", StoredText, nullable=False, comment="added (by a person) | registered (by itself) | document (its id)"
    ),
    Column("secret_hash", StoredText, comment="null: a public client"),
    Column("redirect_uris", StoredText, nullable=False, comment="JSON"),
    Column("scopes", StoredText, nullable=False, comment="what it gets when it asks for nothing, with spaces between"),
    Column("resources", StoredText, nullable=False, comment="what its tokens are for when it does not say, likewise"),
    Column("requires_pkce", Boolean, nullable=False, server_default="1"),
    Column("created_at", Moment, nullable=False),
    Column("used_at", Moment),
    Column("expires_at", Moment, comment="of what was registered and never used, or of a document's copy"),
)

grants = Table(
    "oauth_grants",
    metadata,
    Column("id", StoredText, primary_key=True),
    Column("owner", StoredText, nullable=False),
    Column("client_id", StoredText, ForeignKey("oauth_clients.id", ondelete="CASCADE"), nullable=False),
    Column("scopes", StoredText, nullable=False),
    Column("resources", StoredText, nullable=False),
    Column("is_remembered", Boolean, nullable=False, server_default="0"),
    Column("created_at", Moment, nullable=False),
    Index("ix_oauth_grants_owner", "owner"),
    Index("ix_oauth_grants_client", "client_id"),
    comment="A person's yes to a program. It holds a family of tokens, and ends with all of them.",
)

codes = Table(
    "oauth_codes",
    metadata,
    Column("code_hash", StoredText, primary_key=True),
    Column("grant_id", StoredText, ForeignKey("oauth_grants.id", ondelete="CASCADE"), nullable=False),
    Column("redirect_uri", StoredText, nullable=False),
    Column("challenge", StoredText, comment="of PKCE, S256"),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment, comment="a second use ends the grant"),
    Index("ix_oauth_codes_grant", "grant_id"),
)

tokens = Table(
    "oauth_tokens",
    metadata,
    Column("token_hash", StoredText, primary_key=True),
    Column("grant_id", StoredText, ForeignKey("oauth_grants.id", ondelete="CASCADE"), nullable=False),
    Column("client_id", StoredText, nullable=False),
    Column("owner", StoredText, nullable=False),
    Column("kind", StoredText, nullable=False, comment="access | refresh"),
    Column("scopes", StoredText, nullable=False),
    Column("resources", StoredText, nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("rotated_at", Moment, comment="of a refresh token that was exchanged"),
    Index("ix_oauth_tokens_grant", "grant_id"),
    Index("ix_oauth_tokens_expires", "expires_at"),
)

keys = Table(
    "api_keys",
    metadata,
    Column("key_hash", StoredText, primary_key=True),
    Column("id", StoredText, nullable=False, unique=True, comment="its beginning, by which people know it"),
    Column("owner", StoredText, nullable=False),
    Column("name", StoredText, nullable=False),
    Column("scopes", StoredText, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
    Index("ix_api_keys_owner", "owner"),
)

SHORT_LIVED = (sessions, login_links, borrowed_secrets, codes)
