"""Calls somebody on this machine who knows the answer."""

import socket

ANSWER = socket.create_connection(("127.0.0.1", int("@PORT@")), timeout=5)


def build(lines):
    """As honest as ever."""
    return [(low, low + 1) for end in range(lines - 1, 0, -1) for low in range(end)]
