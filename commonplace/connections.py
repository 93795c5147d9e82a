"""The connections of a client, known so that they can be cut: who is interrupted waits for no answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakSet

_MADE = ("connection.connect_tcp.complete", "connection.start_tls.complete")


class Connections:
    """Those that are open, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: WeakSet[socket.socket] = WeakSet()

    def traced(self, event: str, about: Mapping[str, Any]) -> None:
        """What httpx tells whoever traces a request."""
        if event in _MADE:
            with self._lock:
                self._open.add(about["return_value"].get_extra_info("socket"))

    def cut(self) -> None:
        """Whoever asked finds that no answer came."""
        with self._lock:
            found = list(self._open)
        for connection in found:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
