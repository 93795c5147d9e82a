"""How many tokens a text will be, without a tokenizer.

A tokenizer would have to be downloaded (its vocabulary is megabytes) and does not know the newest models. Limits and
price previews need an estimate that is near and rather too high: the service's own count settles both afterwards.
"""

from __future__ import annotations

_SPACES = b" \t\r\n"
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = b"0123456789"
_ASCII = bytes(range(128))
_LEADS_OF_TWO = bytes(range(0xC2, 0xE0))  # accented Latin, Greek, Cyrillic, Hebrew, Arabic
_LEADS_OF_THREE = bytes(range(0xE0, 0xF0))  # Indic, Thai, Chinese, Japanese, Korean
_LEADS_OF_FOUR = bytes(range(0xF0, 0xF5))  # emoji, rare characters

LETTERS_PER_TOKEN = 4.2
SPACES_PER_TOKEN = 8.0
DIGITS_PER_TOKEN = 2.5
MARKS_PER_TOKEN = 1.4
"""ASCII punctuation: one token alone, fewer in code, where pairs are common."""
TOKENS_PER_TWO = 0.5
TOKENS_PER_THREE = 0.9
TOKENS_PER_FOUR = 2.5


def _count(data: bytes, kinds: bytes) -> int:
    return len(data) - len(data.translate(None, kinds))


def estimate_tokens(text: str) -> int:
    """Rather too many than too few, by script: a Chinese character is nearly a token, an English one a quarter."""
    data = text.encode("utf-8", "replace")
    if not data:
        return 0
    plain = _count(data, _ASCII)
    letters, digits, spaces = _count(data, _LETTERS), _count(data, _DIGITS), _count(data, _SPACES)
    total = letters / LETTERS_PER_TOKEN + digits / DIGITS_PER_TOKEN + spaces / SPACES_PER_TOKEN
    total += (plain - letters - digits - spaces) / MARKS_PER_TOKEN
    if plain < len(data):
        total += _count(data, _LEADS_OF_TWO) * TOKENS_PER_TWO
        total += _count(data, _LEADS_OF_THREE) * TOKENS_PER_THREE
        total += _count(data, _LEADS_OF_FOUR) * TOKENS_PER_FOUR
    return int(total) + 1
