"""The text of a campaign file, or what keeps it from being read."""

from pathlib import Path
from typing import Final

from engine.core.campaign.problems import CampaignError, Problem

LARGEST_BYTES: Final = 1 << 20
_TEXT_FIX: Final = "save the file as UTF-8 text"


def read_text(path: Path) -> str:
    """The content of a campaign file, without a byte order mark.

    Raises:
        CampaignError: there is no such file, or it is not UTF-8 text of at most 1 MiB.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise _whole(path, *_refusal(error)) from None
    if len(content) > LARGEST_BYTES:
        raise _whole(path, "larger than 1 MiB: not a campaign file", "give the path of a YAML file")
    return _decoded(path, content.removeprefix(b"\xef\xbb\xbf"))


def _refusal(error: OSError) -> tuple[str, str]:
    match error:
        case FileNotFoundError():
            return "there is no such file", "check the path; `controlroom init` writes one"
        case IsADirectoryError():
            return "is a folder, not a campaign file", "give the path of the YAML file in it"
        case PermissionError():
            return "may not be read", "allow yourself to read it"
        case _:
            reason = error.strerror or str(error)
            return f"cannot be read: {reason}", "check the path"


def _decoded(path: Path, content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line, column = _position(content[: error.start])
        message = f"not UTF-8 text (byte 0x{content[error.start]:02x})"
        raise CampaignError(path, [_problem(line, column, message, _TEXT_FIX)]) from None
    if not text.strip():
        fix = "write at least campaign, metric, space, baseline and checks, or use init"
        raise CampaignError(path, [_problem(1, 1, "the file is empty", fix)])
    return text


def _position(before: bytes) -> tuple[int, int]:
    """Line and column of what follows `before`, both from 1."""
    last_line = before[before.rfind(b"\n") + 1 :]
    return before.count(b"\n") + 1, len(last_line.decode()) + 1


def _whole(path: Path, message: str, fix: str) -> CampaignError:
    return CampaignError(path, [_problem(0, 0, message, fix)])


def _problem(line: int, column: int, message: str, fix: str) -> Problem:
    return Problem(line=line, column=column, message=message, fix=fix)
