"""A capture outside the market: its evidence, and the earlier captures it must not repeat.

`python -m verification examine` reads contexts from files; the red team makes them. Either way the same
`verification.pipeline.examine` judges them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.geo import Spot
from verification.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Earlier:
    """A capture that was submitted before.

    Attributes:
        media: its original bytes.
        account: who handed it in.
        spot / captured_at: where and when, as far as it is known.
    """

    media: bytes
    account: str
    spot: Spot | None = None
    captured_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """One capture to judge. `memory` is oldest first; all of it came before the evidence."""

    evidence: Evidence
    memory: tuple[Earlier, ...] = ()
