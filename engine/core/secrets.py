"""Keeping secret values out of logs and messages."""

import json
from collections.abc import Mapping
from typing import Final

SHORTEST: Final = 4
"""A shorter value cannot be told from ordinary text; the preflight refuses it as a secret."""

_SHORTEST_LINE: Final = 8
_JSON_WAYS: Final = (True, False)


class Redactor:
    """Replaces secret values in a stream by `[secret NAME]`, also across the borders of chunks.

    A secret of several lines, a key say, is also found line by line; each is also found as it
    is written inside of JSON.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        known: dict[bytes, bytes] = {}
        for name, value in secrets.items():
            for part in _parts(value):
                known[part.encode()] = f"[secret {name}]".encode()
        # Longest first: a secret may begin with another one.
        self._known = sorted(known.items(), key=lambda item: -len(item[0]))
        self._longest = max((len(secret) for secret in known), default=0)
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What may be shown by now; what may become a secret is held back."""
        if not self._known:
            return data
        data = self._held + data
        done = self._settled(data)
        self._held = data[done:]
        return self._replace(data[:done])

    def finish(self) -> bytes:
        """What was still held back."""
        rest, self._held = self._held, b""
        return self._replace(rest)

    def text(self, text: str) -> str:
        """The text without secret values."""
        return self._replace(text.encode(errors="replace")).decode()

    def _replace(self, data: bytes) -> bytes:
        for secret, name in self._known:
            if secret in data:
                data = data.replace(secret, name)
        return data

    def _settled(self, data: bytes) -> int:
        """How many bytes will not change: the rest begins a secret and does not yet end it."""
        last = range(max(0, len(data) - self._longest), len(data))
        begins = [at for at in last if self._begins(data[at:])]
        done = 0
        while begins:
            whole = min(
                ((at, at + len(s)) for s, _ in self._known if (at := data.find(s, done)) >= 0),
                default=(len(data), len(data)),
                key=lambda span: (span[0], -span[1]),
            )
            if begins[0] <= whole[0]:
                return begins[0]
            done = whole[1]
            begins = [at for at in begins if at >= done]
        return len(data)

    def _begins(self, rest: bytes) -> bool:
        return any(len(rest) < len(s) and s.startswith(rest) for s, _ in self._known)


def _parts(value: str) -> list[str]:
    lines = [line.strip() for line in value.splitlines()]
    parts = [value, value.strip(), *(line for line in lines if len(line) >= _SHORTEST_LINE)]
    parts += [
        json.dumps(part, ensure_ascii=escaped)[1:-1] for part in parts for escaped in _JSON_WAYS
    ]
    return [part for part in parts if len(part) >= SHORTEST]
