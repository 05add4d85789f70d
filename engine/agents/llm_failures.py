"""What the failure of a call means, by its status and by how the service names it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from engine.agents.protocol import Ended
from engine.core.parts import AgentOutcome

_LIMIT: Final = re.compile(
    r"usage_limit_reached|usage limit|insufficient_quota|credit balance|billing", re.IGNORECASE
)
_KEY: Final = re.compile(r"api[_ ]key|authenticat|x-api-key|auth_token", re.IGNORECASE)
_OURS: Final = frozenset(
    {"UserError", "ValueError", "ContentFilterError", "OutputTokenLimitExceeded",
     "ModelContextWindowExceededError", "ModelNotFoundError", "FileNotFoundError"}
)  # fmt: skip
"""Errors by what was asked: to ask again would not help."""

_UNREACHABLE_STATUS: Final = frozenset({408, 409, 425, 429})
_LOGIN_STATUS: Final = frozenset({401, 403})
_PLAN: Final = "anthropic-ratelimit-unified"
_DETAIL_CHARACTERS: Final = 500


def ended_by(error: BaseException, now_s: float) -> Ended:
    """How a call ended that failed.

    Args:
        error: what it raised; what caused that is looked at as well.
        now_s: seconds since 1970, from which a service counts how long a limit lasts.
    """
    chain = list(_chain(error))
    words = " | ".join(dict.fromkeys(f"{type(each).__name__}: {each}" for each in chain))
    status = next((found for each in chain if (found := _status(each)) is not None), None)
    nothing: Mapping[str, str] = {}
    headers = next((found for each in chain if (found := _headers(each))), nothing)
    outcome = _outcome(status, words, headers, type(error).__name__)
    retry_at = _retry_at(words, headers, now_s) if outcome == "limited" else None
    return Ended(outcome=outcome, detail=words[:_DETAIL_CHARACTERS], retry_at=retry_at)


def _outcome(status: int | None, words: str, headers: Mapping[str, str], name: str) -> AgentOutcome:
    if headers.get(f"{_PLAN}-status") == "rejected" or (status == 429 and _LIMIT.search(words)):
        return "limited"
    if status in _LOGIN_STATUS:
        return "login"
    if status is not None:
        return "unreachable" if status in _UNREACHABLE_STATUS or status >= 500 else "crashed"
    if _KEY.search(words):
        return "login"
    # Else the connection failed, or what came over it makes no sense to the library.
    return "crashed" if name in _OURS else "unreachable"


def _retry_at(words: str, headers: Mapping[str, str], now_s: float) -> float | None:
    """When the limit ends, as far as that is said."""
    named = re.search(r"resets_at\W+(\d{9,})", words)
    at = headers.get(f"{_PLAN}-reset") or (named[1] if named else None)
    if at is not None and at.isdecimal():
        return float(at)
    after = headers.get("retry-after", "")
    return now_s + float(after) if after.isdecimal() else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it; the members of a group, too."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, BaseExceptionGroup):
            waiting += cast("tuple[BaseException, ...]", each.exceptions)
        waiting += [other for other in (each.__cause__, each.__context__) if other is not None]


def _status(error: BaseException) -> int | None:
    found = getattr(error, "status_code", None)
    return found if isinstance(found, int) and found >= 400 else None


def _headers(error: BaseException) -> Mapping[str, str]:
    response: Any = getattr(error, "response", None)
    found = getattr(response, "headers", None)
    return {str(k).lower(): str(v) for k, v in found.items()} if found is not None else {}
