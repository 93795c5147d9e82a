"""Conversations at OpenAI keep the contract of destinations."""

from __future__ import annotations

import pytest

from tests.destinations.contract_suite import Changing, DestinationContract, Removing
from tests.destinations.openai.world import OpenAIWorld


class TestContract(DestinationContract, Changing, Removing):
    @pytest.fixture
    def world(self, world: OpenAIWorld) -> OpenAIWorld:
        return world
