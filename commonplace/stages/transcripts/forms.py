"""The forms of a file of conversations that need nothing but their words. One to print is made where pages are."""

from __future__ import annotations

from datetime import tzinfo

from commonplace.stages.transcripts import lines
from commonplace.stages.transcripts.markdown import conversation_in_markdown
from commonplace.stages.transcripts.writing import Form, lines_of


def form_named(format: str, zone: tzinfo) -> Form:
    """One of them by its name; texts to read unless it is one for programs that train."""
    match format:
        case "openai-finetune":
            return lines_of(lines.openai_finetune)
        case "sharegpt":
            return lines_of(lines.sharegpt)
    return Form(lambda filed: conversation_in_markdown(filed, zone).encode(), between=b"\n---\n\n")
