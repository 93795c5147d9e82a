"""What the fake says of itself."""

from __future__ import annotations

from commonplace.destinations.fake.settings import FakeSettings
from commonplace.destinations.fake.write import FakeDestination, open_fake
from commonplace.destinations.kind import Kind, Surroundings


def _open(settings: FakeSettings, _around: Surroundings) -> FakeDestination:
    return open_fake(settings)


KIND = Kind(
    title="Fake",
    about="A destination in memory whose failures are scripted.",
    block="Fake",
    settings=FakeSettings,
    open=_open,
)
