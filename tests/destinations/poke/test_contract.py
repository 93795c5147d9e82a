"""Poke keeps the contract of destinations, one message at a time and all in one."""

from __future__ import annotations

import pytest

from commonplace.archive.core import Archive
from tests.destinations.contract_suite import DestinationContract, Unlookable
from tests.destinations.poke.world import PokeWorld, trigger_at
from tests.fakes.poke import FakePoke


class TestEach(DestinationContract, Unlookable):
    @pytest.fixture
    def world(self, poke: FakePoke, sqlite_archive: Archive) -> PokeWorld:
        return PokeWorld(poke, sqlite_archive, mode="raw")


class TestTogether(DestinationContract, Unlookable):
    @pytest.fixture
    def world(self, poke: FakePoke, sqlite_archive: Archive) -> PokeWorld:
        return PokeWorld(poke, sqlite_archive, mode="webhook", **trigger_at(poke))
