"""What the doctor finds: a verdict on one thing, and the remedy where one is needed."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How serious a finding is: OK, WARN (codekin works, but less well) or FAIL."""

    OK = "ok"
    WARN = "warn"  # codekin works, less well
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: what was checked, the level, the detail, and a remedy unless OK."""

    check: str
    level: Level
    detail: str
    remedy: str = ""  # never empty where something is wrong
