"""What `show` can print of an iteration; apart, so that naming it loads nothing."""

from typing import Literal

Part = Literal["page", "prompt", "transcript", "diff", "checks", "json"]
