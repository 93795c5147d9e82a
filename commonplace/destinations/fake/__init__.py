"""A destination in memory whose failures are scripted: for tests, and to watch a run among misbehaving services."""

from commonplace.destinations.fake.kind import KIND
from commonplace.destinations.fake.service import Failure, FakeService, Killed
from commonplace.destinations.fake.settings import FakeSettings
from commonplace.destinations.fake.write import FakeDestination, open_fake

__all__ = ["KIND", "Failure", "FakeDestination", "FakeService", "FakeSettings", "Killed", "open_fake"]
