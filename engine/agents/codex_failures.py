"""What codex's words for a failure mean, and until when it says that a limit lasts."""

import re
from datetime import datetime, timedelta
from typing import Final

from engine.core.parts import AgentOutcome

_BY_NAME: Final[dict[str, AgentOutcome]] = {
    "usage_limit_exceeded": "limited",
    "unauthorized": "login",
    "server_overloaded": "unreachable",
    "internal_server_error": "unreachable",
    "http_connection_failed": "unreachable",
    "response_stream_connection_failed": "unreachable",
    "response_stream_disconnected": "unreachable",
    "response_too_many_failed_attempts": "unreachable",
}
"""The names that codex gives to errors in the file of a session."""

_BY_WORDS: Final[tuple[tuple[AgentOutcome, str], ...]] = (
    ("limited", r"usage limit|quota exceeded|insufficient_quota|out of credits"),
    (
        "login",
        r"\b401\b|\b403\b|unauthorized|not logged in|log in again|missing environment variable"
        r"|api key|refresh token|with your chatgpt plan",
    ),
    (
        "unreachable",
        r"reconnecting|stream disconnected|stream closed|idle timeout|timed out|high demand"
        r"|at capacity|overloaded|connection (failed|refused|reset)|error sending request"
        r"|rate limit|exceeded retry limit|too many requests|last status: 5\d\d"
        r"|\b5\d\d (internal|bad|service)",
    ),
)
_AT: Final = re.compile(
    r"try again at (?:(?P<month>[A-Z][a-z]{2}) (?P<day>\d+)(?:st|nd|rd|th)?, (?P<year>\d{4}) )?"
    r"(?P<time>\d{1,2}:\d{2} [AP]M)"
)


def outcome_of(words: str, name: str = "") -> AgentOutcome:
    """How an attempt ended, by the message of its failure and codex's own name for it."""
    for outcome, pattern in _BY_WORDS[:2]:
        if re.search(pattern, words, re.IGNORECASE):
            return outcome
    if name in _BY_NAME:
        return _BY_NAME[name]
    outcome, pattern = _BY_WORDS[2]
    return outcome if re.search(pattern, words, re.IGNORECASE) else "crashed"


def retry_at(message: str, now: datetime | None = None) -> float | None:
    """When a usage limit ends, in seconds since 1970, as far as the message says it.

    It says it in local time, to the minute, and without a date when it is within a day.
    """
    found = _AT.search(" ".join(message.split()))
    if found is None:
        return None
    now = now or datetime.now().astimezone()
    dated = " ".join(found.group("month", "day", "year")) if found["month"] else f"{now:%b %d %Y}"
    text = f"{dated} {found['time']}"
    try:
        when = datetime.strptime(text, "%b %d %Y %I:%M %p").replace(tzinfo=now.tzinfo)
    except ValueError:
        return None
    if not found["month"] and when + timedelta(minutes=1) < now:
        when += timedelta(days=1)
    # To the minute, rounded down: half a minute before would be in vain.
    return (when + timedelta(minutes=1)).timestamp()
