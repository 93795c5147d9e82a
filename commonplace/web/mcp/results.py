"""What tools return. `Hits` and `Document` are what ChatGPT expects of `search` and `fetch`, to the letter."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class Hit(BaseModel):
    id: str
    title: str
    url: str


class Hits(BaseModel):
    results: list[Hit]


class Document(BaseModel):
    id: str
    title: str
    text: str
    url: str
    metadata: dict[str, str]


class Listed(BaseModel):
    id: str
    title: str
    url: str
    created_at: str | None
    category: str | None
    project: str | None
    source: str
    overview: str


class Recent(BaseModel):
    conversations: list[Listed]
    next_cursor: str | None = None


class Project(BaseModel):
    id: str
    name: str
    conversations: int


class Projects(BaseModel):
    projects: list[Project]
    next_cursor: str | None = None


class Stats(BaseModel):
    totals: dict[str, Any]


class Cited(BaseModel):
    number: int
    id: str
    title: str
    date: str
    text: str
    said_by: list[str] = []


class Answered(BaseModel):
    answer: str
    sources: list[Cited]
    model: str
    note: str


class Saved(BaseModel):
    id: str
    url: str
