"""A gateway's metrics, in Prometheus' format."""

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest

_BUCKETS_S = (0.005, 0.01, 0.02, 0.04, 0.08, 0.12, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)


class GatewayMetrics:
    """Counts requests and measures how long they take; names nobody."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "codekin_gateway_requests", "Requests by route and status.", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "codekin_gateway_seconds",
            "Seconds that a request took.",
            ["route"],
            buckets=_BUCKETS_S,
            registry=self._registry,
        )

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count a request by route and status, and record how many seconds it took."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format, encoded."""
        text: bytes = generate_latest(self._registry)
        return text
