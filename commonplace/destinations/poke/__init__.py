"""Poke: what is new in the archive is sent to a person's assistant."""

from commonplace.destinations.poke.destination import PokeDestination, open_poke
from commonplace.destinations.poke.kind import KIND
from commonplace.destinations.poke.settings import PokeSettings

__all__ = ["KIND", "PokeDestination", "PokeSettings", "open_poke"]
