"""What lets somebody in: text made at random, of which only the hash is stored.

Each kind has a beginning of its own, so that a scanner of repositories finds one that was published, and so that the
server knows which table to look into.
"""

from __future__ import annotations

import hashlib
import secrets

SESSION, LINK, KEY = "cps_", "cpl_", "cpk_"
CODE, ACCESS, REFRESH, CLIENT_SECRET = "cpc_", "cpa_", "cpr_", "cpx_"


def new(kind: str) -> str:
    """256 bits of chance, after the beginning that tells its kind."""
    return kind + secrets.token_urlsafe(32)


def digest(credential: str) -> str:
    """What is stored of it. A plain hash is enough, because nobody can guess what was hashed."""
    return hashlib.sha256(credential.encode("utf-8", "surrogatepass")).hexdigest()
