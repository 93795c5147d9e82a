"""Numbers for Prometheus: how many requests of which route ended how, how long they took. No names, no addresses."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "commonplace_requests", "Requests", ["method", "route", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "commonplace_request_seconds", "Time until a reply was complete", ["route"], registry=self._registry
        )
        self.logins = Counter("commonplace_logins", "Attempts to log in", ["outcome"], registry=self._registry)
        self.deliveries = Counter(
            "commonplace_deliveries", "Webhook deliveries", ["kind", "outcome"], registry=self._registry
        )
        self.waiting = Gauge("commonplace_inbox", "Deliveries in the inbox", ["state"], registry=self._registry)

    def text(self) -> bytes:
        return generate_latest(self._registry)
