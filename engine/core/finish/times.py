"""Times of day as events hold them, and as seconds since 1970."""

from datetime import UTC, datetime


def unix_s(time: str) -> float:
    """Seconds since 1970 of a time in ISO 8601."""
    return datetime.fromisoformat(time).timestamp()


def utc(seconds: float) -> str:
    """ISO 8601, UTC, milliseconds."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
