"""The fake Notion's budgets: requests in fixed windows, whose beginning nobody is told."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter

from tests.fakes.notion.answers import Answer


class Budget:
    """How many requests a connection, and a workspace, may send in a window."""

    def __init__(self, window_seconds: float, per_window: int, workspace_per_window: int | None) -> None:
        self.window_seconds, self.per_window = window_seconds, per_window
        self.workspace_per_window = workspace_per_window
        self._windows: Counter[int] = Counter()
        self._began = time.monotonic() - window_seconds * 0.37
        self._lock = threading.Lock()

    def spend(self) -> None:
        """One request; refused when the window's budget is used up."""
        with self._lock:
            elapsed = time.monotonic() - self._began
            window = int(elapsed // self.window_seconds)
            self._windows[window] += 1
            left = (window + 1) * self.window_seconds - elapsed
            shared = self.workspace_per_window is not None and self._windows[window] > self.workspace_per_window
            if self._windows[window] <= self.per_window and not shared:
                return
        reason = "public_api_space_request_rate_limit" if shared else "public_api_request_rate_limit"
        seconds = math.ceil(left) if self.window_seconds >= 60 else round(left + 0.001, 3)
        raise Answer(429, "rate_limited", "You have been rate limited.",
                     extra={"rate_limit_reason": reason, "retry_after": str(seconds)},
                     headers={"Retry-After": str(seconds)})  # fmt: skip
