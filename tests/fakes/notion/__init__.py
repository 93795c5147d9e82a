"""A Notion that refuses what Notion refuses: a real HTTP server on loopback, with limits, budgets and faults."""

from tests.fakes.notion.server import FakeNotion
from tests.fakes.notion.state import OUR_PROPERTIES, Page, Request, Source

__all__ = ["OUR_PROPERTIES", "FakeNotion", "Page", "Request", "Source"]
