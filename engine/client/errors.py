"""What a client cannot do, in words for a person."""


class ClientError(Exception):
    """The message says what, with which run, and what to do now."""


class NoSuchRun(ClientError):  # noqa: N818  (names say what happened)
    """There is no such run."""
