"""What claude's words for a failure mean."""

import re
from collections.abc import Mapping
from typing import Any, Final

from engine.agents.protocol import Ended
from engine.core.parts import AgentOutcome

_BY_NAME: Final[dict[str, AgentOutcome]] = {
    "usage_limit_reached": "limited",
    "billing_error": "limited",
    "authentication_failed": "login",
    "oauth_org_not_allowed": "login",
    "rate_limit": "unreachable",
    "overloaded": "unreachable",
    "server_error": "unreachable",
    "stream_idle_timeout": "unreachable",
}
"""The names that claude gives to errors of its service."""

_BY_WORDS: Final[tuple[tuple[AgentOutcome, str], ...]] = (
    ("login", r"not logged in|/login|invalid api key|failed to authenticate"),
    ("limited", r"usage limit|hit your .{0,40}limit|credit balance"),
    (
        "unreachable",
        r"connection error|unable to connect|connectionrefused|econn|enotfound|timed? ?out"
        r"|stream ended|overloaded|fetch failed|socket|API Error: 5\d\d",
    ),
)
_LOGIN_STATUS: Final = (401, 403)
_FINAL_STATUS: Final = (400, 404, 405, 413, 422)
"""Trying again does not help with these."""


class Failure:
    """Remembers what went wrong last."""

    def __init__(self) -> None:
        self.text = ""
        self._names: tuple[str, ...] = ()
        self._resets_at_s: float | None = None
        self._retry_status: object = None
        self._retry_text = ""

    def limit(self, info: Mapping[str, Any]) -> None:
        """Take what it says of the plan's limits."""
        resets_at_s = info.get("resetsAt")
        if info.get("status") == "rejected" and isinstance(resets_at_s, int | float):
            self._resets_at_s = float(resets_at_s)

    def retry(self, event: Mapping[str, Any]) -> str:
        """Take that a call failed and is made again; what to tell of it."""
        self._retry_status = event.get("error_status")
        tried, most = event.get("attempt"), event.get("max_retries")
        why = f"{self._retry_status or ''} {event.get('error') or ''}".strip()
        self._retry_text = f"retry {tried} of {most}: {why}"
        return self._retry_text

    def forget_retries(self) -> None:
        """A call succeeded."""
        self._retry_status, self._retry_text = None, ""

    def fail(self, event: Mapping[str, Any], text: str) -> None:
        """Take an error of its service."""
        self.text = text
        names = (event.get("api_error"), event.get("error"))
        self._names = tuple(name for name in names if isinstance(name, str))

    def end(self, detail: str, errors: str = "") -> Ended:
        """How an attempt ended that has no good result."""
        detail = detail or self.text or self._retry_text
        outcome = self._outcome(f"{detail}\n{errors}")
        retry_at = self._resets_at_s if outcome == "limited" else None
        return Ended(outcome=outcome, detail=detail, retry_at=retry_at)

    def _outcome(self, words: str) -> AgentOutcome:
        if self._resets_at_s is not None and "rate_limit" in self._names:
            return "limited"
        for name in self._names:
            if name in _BY_NAME:
                return _BY_NAME[name]
        if self._retry_status in _LOGIN_STATUS:
            return "login"
        if self._retry_text and self._retry_status not in _FINAL_STATUS:
            return "unreachable"
        for outcome, pattern in _BY_WORDS:
            if re.search(pattern, words, re.IGNORECASE):
                return outcome
        return "crashed"
