"""The compliance logs of a ChatGPT workspace: a folder of their JSONL files, or one of them."""

from commonplace.sources.chatgpt_compliance.reading import SOURCE

__all__ = ["SOURCE"]
