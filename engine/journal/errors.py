"""What can go wrong with a journal, split by what the engine does about it."""


class JournalError(Exception):
    """The journal did not do what it was asked; the message says which file and why."""


class JournalDelayed(JournalError):  # noqa: N818  (names say what happened)
    """Nothing was recorded; the same call may work later."""


class JournalFull(JournalDelayed):
    """The disk is full or refused a write."""


class JournalBusy(JournalDelayed):
    """Another program holds the file for the moment, a database browser say."""


class JournalConflict(JournalError):  # noqa: N818  (names say what happened)
    """Another writer was here, or the caller's view is old: the engine must stop."""


class JournalUnusable(JournalError):  # noqa: N818  (names say what happened)
    """The file cannot be opened as a journal, or broke while it was in use: stop the engine."""
