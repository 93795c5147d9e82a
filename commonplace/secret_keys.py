"""The server's own secrets: what it signs, derives and encrypts with. Never in the database.

`SECRET_KEY` may list several, newest first, separated by commas: the first is used, all are understood. Without it
there is one in a file of the home that only its owner can read.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from itsdangerous import URLSafeTimedSerializer

from commonplace.config import Environment, Settings
from commonplace.errors import Refused

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

SHORTEST = 32


class SecretKeys:
    """Signing, derivation and encryption, each with a key of its own. Its repr shows nothing."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys or any(len(key) < SHORTEST for key in keys):
            raise Refused(
                f"SECRET_KEY is too short: at least {SHORTEST} characters.",
                hint="Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
            )
        self._keys = [hashlib.sha256(key.encode()).digest() for key in keys]

    def __repr__(self) -> str:
        return f"SecretKeys({len(self._keys)})"

    def signer(self, purpose: str) -> URLSafeTimedSerializer:
        """Signs with the newest key, understands what any of them signed."""
        return URLSafeTimedSerializer(list(reversed(self._of(purpose))), salt=purpose)

    def derive(self, purpose: str, text: str) -> str:
        """256 bits that follow from the text, for nobody who lacks the key."""
        made = hmac.digest(self._of(purpose)[0], text.encode(), "sha256")
        return base64.urlsafe_b64encode(made).decode().rstrip("=")

    def fernet(self) -> MultiFernet:
        """Encrypts with the newest key, decrypts with any."""
        from cryptography.fernet import Fernet, MultiFernet

        return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in self._of("encryption")])

    def _of(self, purpose: str) -> list[bytes]:
        return [hashlib.blake2b(purpose.encode(), key=key, digest_size=32).digest() for key in self._keys]


def secret_keys(settings: Settings, environment: Environment) -> SecretKeys:
    """Those of the environment, else this installation's own, which is made once."""
    listed = [part.strip() for part in (environment.get("SECRET_KEY") or "").split(",") if part.strip()]
    return SecretKeys(listed or [_own(settings.home / "server" / "secret-key")])


def _own(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        beside = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
        descriptor = os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            os.link(beside, path)  # whoever comes first: nobody reads half a key
        except FileExistsError:
            pass
        finally:
            beside.unlink()
    return path.read_text().strip()
