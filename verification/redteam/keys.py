"""Which lines of the cache still count: those that would be made and judged the same today.

A line's key names the family's code, the code that samples are made with, the photographs, the seed, which
checks there are, and which of them speak when (kinds, cost); beside it stands the version of every check
that spoke. Checks that run a net do not look at what was refused before, so a change of one leaves most lines
of the protocol stratum as they are. What several checks share has no version: who changes it raises theirs.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from market.simulator import camera
from verification import constants
from verification import registry as checks
from verification.redteam.lines import Line
from verification.redteam.registry import Recipe, Stratum

MAKERS = (
    "attesting",
    "authorities",
    "copying",
    "films",
    "indoors",
    "lens",
    "making",
    "notices",
    "parts",
    "photographs",
    "retrying",
    "staging",
    "workshop",
)  # modules beside this one that samples are made with
CAMERA = (
    "__init__",
    "attesting",
    "authority",
    "camera",
    "contributor",
    "credentials",
    "der",
    "flat",
    "forged",
    "handwriting",
    "isp",
    "motion",
    "optics",
    "recorder",
    "scene",
    "sensor",
    "sheet",
    "stamping",
    "view",
)  # modules of market.simulator that samples are made with; the others act people, and may change


def key_of(recipe: Recipe, seed: int, photos: Path | None) -> str:
    """What a line must have been made with, and judged by, as 16 hex digits."""
    source = Path(recipe.make.__code__.co_filename).read_text(encoding="utf-8")
    parts = [seed, photos.name if photos else "packages", source, _means()]
    parts += [f"{check.name}:{check.cost}:{sorted(check.kinds)}" for check in checks.registered()]
    if recipe.stratum is Stratum.ADAPTIVE:  # what is tried next depends on the verdicts, and so on all checks
        parts += [*_versions().values(), constants.calibration().sha256]
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


def counts(line: Line, key: str) -> bool:
    """Whether the line has this key, and every check that spoke is the one in force."""
    return line.key == key and line.versions.items() <= _versions().items()


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    """Of the checks in force."""
    return {check.name: check.version for check in checks.registered()}


@lru_cache(maxsize=1)
def _means() -> str:
    """The code that samples are made with, beside a family's own, as one hash."""
    here = Path(__file__).parent
    files = [here / f"{name}.py" for name in MAKERS]
    files += [Path(camera.__file__).parent / f"{name}.py" for name in CAMERA]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
