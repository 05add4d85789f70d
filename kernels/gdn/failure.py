"""Why a candidate failed, in the classes that the check contract knows."""

import dataclasses
from typing import Literal

Class = Literal["incorrect", "compile", "refused", "infra", "timeout", "invalid"]


@dataclasses.dataclass(frozen=True)
class Failure:
    """A class and one line that says what, on which thing."""

    kind: Class
    detail: str
