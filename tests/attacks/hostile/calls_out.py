"""Tries to reach somebody: on this machine, by name, and outside."""

import socket

from attempts import WORLD, attempt


def connect(family: int, address: object) -> str:
    """Connect and say a word."""
    with socket.socket(family, socket.SOCK_STREAM) as caller:
        caller.settimeout(2)
        caller.connect(address)
        caller.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return "connected"


def datagram() -> str:
    """Send without a connection."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.sendto(b"x", ("192.0.2.1", 53))
        return "sent"


def raw() -> str:
    """Forge packets."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP):
        return "opened"


attempt("loopback", lambda: connect(socket.AF_INET, ("127.0.0.1", WORLD["port"])))
attempt("own address", lambda: connect(socket.AF_INET, (WORLD["address"], WORLD["port"])))
attempt("socket file", lambda: connect(socket.AF_UNIX, WORLD["socket"]))
attempt("abstract socket", lambda: connect(socket.AF_UNIX, "\0" + WORLD["abstract"]))
attempt("outside", lambda: connect(socket.AF_INET, ("192.0.2.1", 80)))
attempt("metadata of a cloud", lambda: connect(socket.AF_INET, ("169.254.169.254", 80)))
attempt("a name", lambda: socket.getaddrinfo("example.org", 80))
attempt("datagram", datagram)
attempt("raw packets", raw)
