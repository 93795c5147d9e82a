"""A conversation as a note: who says what, under the speakers' names, with links to its project and category."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from datetime import tzinfo
from itertools import groupby

from commonplace.destinations.citations import TITLE as SOURCES
from commonplace.destinations.citations import sources_in_markdown
from commonplace.destinations.contract import Document
from commonplace.destinations.markdown.frontmatter import Value
from commonplace.destinations.markdown.names import link_target, safe_name
from commonplace.destinations.markdown.prose import callout, vault_text
from commonplace.destinations.markdown.settings import MarkdownSettings
from commonplace.model import Attachment, Message
from commonplace.moments import to_datetime

FACTS = frozenset({"id", "created", "updated", "source", "model", "url", "message_count"})
"""Properties that are ours, whatever a person makes of them."""
UNTITLED = "Untitled"
CONVERSATIONS, PROJECTS, CATEGORIES, ATTACHMENTS = "conversations", "projects", "categories", "attachments"

_SPEAKERS = {"user": "You", "assistant": "Assistant", "system": "System", "tool": "Tool"}
_SPECIAL = re.compile(r"[\\`*_\[\]<>$~|]|(?<!\w)#(?=\w)|%(?=%)|!(?=\[)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_NOT_IN_TAGS = re.compile(r"[^\w/-]+")

PathOf = Callable[[Attachment], str | None]
"""Where an attachment is in the folder (`attachments/...`), or None if its bytes are not to be had."""
IndexOf = Callable[[str, str], str]
"""Where the page of a project or category is, from its kind and name."""


def properties_of(document: Document, settings: MarkdownSettings, zone: tzinfo) -> dict[str, Value | None]:
    """The front matter, in the order in which it is read. An alias where the file's name is not the title."""
    conversation = document.conversation
    title = title_of(document)
    return {
        "id": conversation.id,
        "title": title,
        "aliases": [title] if name_of(document, settings, zone) != title else [],
        "created": local_time(conversation.created_at, zone),
        "updated": local_time(conversation.updated_at, zone),
        "category": document.category,
        "tags": [spelt for spelt in map(tag, document.tags) if spelt],
        "project": document.project_name,
        "source": conversation.source,
        "model": conversation.model,
        "url": conversation.url,
        "message_count": sum(message.is_active and is_readable(message) for message in conversation.messages),
        "summary": document.summary,
    }


def region_of(
    document: Document, settings: MarkdownSettings, folder: str, path_of: PathOf, index_of: IndexOf, zone: tzinfo
) -> str:
    """Everything that is ours below the front matter, for a note that lies in `folder`."""
    writer = _Writer(document, settings, folder, path_of, zone)
    head = [f"# {label(title_of(document))}", _byline(document, folder, index_of, zone)]
    return "\n\n".join(piece for piece in [*head, *writer.body()] if piece)


def title_of(document: Document) -> str:
    return _one_line(document.conversation.title or "") or UNTITLED


def name_of(document: Document, settings: MarkdownSettings, zone: tzinfo) -> str:
    """What the file is called, if nobody else is."""
    name = safe_name(title_of(document), otherwise=UNTITLED)
    created = local_time(document.conversation.created_at, zone)
    return f"{created[:10]} {name}" if settings.dated_names and created else name


def folder_of(document: Document, settings: MarkdownSettings, zone: tzinfo) -> str:
    """Where the file goes when it is first written."""
    created = local_time(document.conversation.created_at or document.conversation.updated_at, zone)
    match settings.layout:
        case "year":
            part = created[:4] if created else "undated"
        case "project":
            part = safe_name(document.project_name or "", otherwise="no project")
        case "category":
            part = safe_name(document.category or "", otherwise="no category")
        case _:
            return CONVERSATIONS
    return f"{CONVERSATIONS}/{part}"


def local_time(moment: int | None, zone: tzinfo) -> str | None:
    """`2026-03-01T09:30:00`, which Obsidian takes for a date and time."""
    return to_datetime(moment, zone).strftime("%Y-%m-%dT%H:%M:%S") if moment is not None else None


def markdown_link(text: str, path: str, folder: str) -> str:
    """A link from a note in `folder` to a path in the vault; every Markdown program follows it."""
    return f"[{label(text)}]({link_target(posixpath.relpath(path, folder))})"


def label(text: str) -> str:
    """A name or title as plain words, whatever is in it."""
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", _one_line(text))


class _Writer:
    """The messages of one conversation as pieces of Markdown."""

    def __init__(
        self, document: Document, settings: MarkdownSettings, folder: str, path_of: PathOf, zone: tzinfo
    ) -> None:
        self._day = (local_time(document.conversation.created_at, zone) or "")[:10]
        self._zone = zone
        self._messages = [message for message in document.conversation.messages if is_readable(message)]
        self._settings = settings
        self._folder = folder
        self._path_of = path_of
        self._attachments: dict[str, Attachment] = {}

    def body(self) -> list[str]:
        pieces: list[str] = []
        heading = ""
        for is_active, group in groupby(self._messages, key=lambda message: message.is_active):
            messages = list(group)
            if not is_active:
                pieces.append(self._branch(messages))
                continue
            for message in messages:
                if message.role == "tool":
                    pieces.append(self._aside(message))
                    continue
                who = self._who(message)
                if who != heading:
                    heading = who
                    pieces.append(f"## {who}")
                pieces.append(self._text(message))
        return pieces

    def _who(self, message: Message) -> str:
        """Who says it, with which model, and when: the day only where it is not the conversation's first."""
        at = (local_time(message.created_at, self._zone) or "").replace("T", " ")[:16]
        when = at.removeprefix(f"{self._day} ")
        model = label(message.model) if message.model and message.role == "assistant" else ""
        return " · ".join(part for part in (_speaker(message), model, when) if part)

    def _text(self, message: Message) -> str:
        self._attachments = {attachment.id: attachment for attachment in message.attachments}
        text = self._vault_text(message.text)
        cited = sources_in_markdown(message)
        return f"{text}\n\n{callout('quote', SOURCES, self._vault_text(cited))}" if cited else text

    def _vault_text(self, markdown: str) -> str:
        settings = self._settings
        return vault_text(markdown, link=self._link, asides=settings.asides, remote_images=settings.remote_images)

    def _aside(self, message: Message) -> str:
        return callout("example", _speaker(message), self._text(message)) if self._settings.asides else ""

    def _branch(self, messages: list[Message]) -> str:
        count = f"{len(messages)} message{'s' if len(messages) > 1 else ''}"
        if not self._settings.branches:
            return f"*Another branch, {count}, is not shown here.*"
        texts = [f"**{self._who(message)}**\n\n{self._text(message)}" for message in messages]
        return callout("quote", f"Another branch, {count}", "\n\n".join(texts))

    def _link(self, attachment_id: str, whole: str) -> str:
        """The attachment where its bytes are; else its name, so that its place is not empty."""
        attachment = self._attachments.get(attachment_id)
        shown = whole[: whole.rindex("](")].lstrip("!") + "]"
        path = self._path_of(attachment) if attachment and self._settings.attachments else None
        if path is None:
            return _absent(attachment, shown[1:-1])
        mark = "!" if whole.startswith("!") else ""
        return f"{mark}{shown}({link_target(posixpath.relpath(path, self._folder))})"


def is_readable(message: Message) -> bool:
    return not message.is_hidden and bool(message.text.strip())


def _byline(document: Document, folder: str, index_of: IndexOf, zone: tzinfo) -> str:
    conversation = document.conversation
    created = local_time(conversation.created_at, zone)
    parts = [created.replace("T", " ")[:16] if created else ""]
    if document.project_name:
        link = markdown_link(document.project_name, index_of(PROJECTS, document.project_name), folder)
        parts.append(f"Project: {link}")
    if document.category:
        emoji = f"{document.category_emoji} " if document.category_emoji else ""
        link = markdown_link(document.category, index_of(CATEGORIES, document.category), folder)
        parts.append(f"Category: {emoji}{link}")
    if conversation.url and re.fullmatch(r"https?://[^\s<>()]+", conversation.url):
        parts.append(f"[Open the original]({conversation.url})")
    return " · ".join(part for part in parts if part)


def _speaker(message: Message) -> str:
    name = _SPEAKERS[message.role]
    if message.author and message.role == "user":
        return label(message.author)  # one of several people
    return f"{name}: {label(message.author)}" if message.author and message.role == "tool" else name


def _absent(attachment: Attachment | None, shown: str) -> str:
    if attachment is None:
        return f"*{label(shown)}*"
    return f"*{attachment.kind}: {label(attachment.name)}*" if attachment.name else f"*{attachment.kind}*"


def tag(text: str) -> str:
    """A tag as Obsidian allows it: no spaces, and not a mere number."""
    spelt = _NOT_IN_TAGS.sub("-", text.strip().lstrip("#")).strip("-/")
    return spelt if re.search(r"[^\W\d]", spelt) else ""


def _one_line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text.encode("utf-8", "replace").decode()).split())
