"""How slowly a request may arrive. Whoever keeps many connections waiting for little would keep everybody else out.

The server below us waits for a request's head, and for its body, without an end.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

SECONDS = 30.0
"""So often a connection is looked at. A head has to be there after two looks."""
LEAST_BYTES = 8 << 10
"""So much of a body has to come between two looks."""


class PatientProtocol(H11Protocol):
    """Uvicorn's, which hangs up on who sends next to nothing. Time that we take ourselves is not counted."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._came = self._seen = self._looks = 0
        self._next_look = self.loop.call_later(SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._next_look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._came += len(data)
        super().data_received(data)

    def handle_events(self) -> None:
        super().handle_events()
        if self.conn.their_state is not h11.IDLE:
            self._looks = 0

    def send_400_response(self, msg: str) -> None:
        """What comes is no request. Whatever was being made for the one before it has nowhere to go any more."""
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        super().send_400_response(msg)

    def _look(self) -> None:
        if self._is_kept_waiting():
            self.transport.abort()
            return
        self._seen = self._came
        self._next_look = self.loop.call_later(SECONDS, self._look)

    def _is_kept_waiting(self) -> bool:
        """Whether more should have come since the last look."""
        if self.conn.their_state is h11.IDLE:
            self._looks += 1
            return self._looks > 1
        is_ours = self.flow.read_paused or self.conn.their_state is not h11.SEND_BODY
        return not is_ours and self._came - self._seen < LEAST_BYTES
