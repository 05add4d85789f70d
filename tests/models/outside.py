"""The outside world as a program sees it that must not go there: a proxy that notes and refuses."""

import contextlib
import socket
import threading
from collections.abc import Sequence
from typing import Self


class Outside:
    """A proxy for everything that is not on the loopback; it lets nothing through.

    It sees only programs that heed the proxy variables: show of each that it does.

    Attributes:
        env: the variables that send a program's connections here.
    """

    def __init__(self) -> None:
        self._asked: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        host, port = self._socket.getsockname()
        names = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
        url, near = f"http://{host}:{port}", "127.0.0.1,localhost"
        self.env = {name: url for upper in names for name in (upper, upper.lower())}
        self.env |= {"NO_PROXY": near, "no_proxy": near}
        self._thread = threading.Thread(target=self._serve, name="outside", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    @property
    def asked(self) -> Sequence[str]:
        """The first line of each request that came, such as "CONNECT example.org:443 HTTP/1.1"."""
        return tuple(self._asked)

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(5)
                first = connection.recv(2000).split(b"\r\n", maxsplit=1)[0]
                self._asked.append(first.decode("latin-1"))
