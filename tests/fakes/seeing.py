"""Tools that see and remember nothing, for tests whose subject is neither the nets nor the memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from verification.matching.registration import Features, Pairs

if TYPE_CHECKING:
    from core.geo import Spot
    from verification.evidence import Evidence
    from verification.matching.pdq import Hashes
    from verification.matching.registration import Look
    from verification.measures.prnu import NoisePrint
    from verification.memory import Past, PastSpot
    from verification.picture import Picture, Pixels
    from verification.reading import Text


@dataclass
class EmptyMemory:
    """A memory without captures; `last` is the one spot it may know."""

    last: PastSpot | None = None

    def remember(
        self,
        evidence: Evidence,
        picture: Picture | None,
        noise: NoisePrint | None = None,
        moments: Sequence[Pixels] = (),
    ) -> None:
        """Forgets at once."""

    def look_of(self, capture: str, picture: int = 0) -> Look | None:
        return None

    def same_bytes(self, sha256: str, before_order: int) -> list[Past]:
        return []

    def nearest(self, views: Hashes, before_order: int, limit: int) -> list[Past]:
        return []

    def sharing(self, features: Features, before_order: int, limit: int) -> list[Past]:
        return []

    def around(self, bounty: str, spot: Spot | None, before_order: int, limit: int) -> list[Past]:
        return []

    def last_spot(self, account: str, before_order: int) -> PastSpot | None:
        return self.last

    def prints(self, account: str, frame: str, before_order: int, limit: int) -> list[bytes]:
        return []

    def refused_prints(
        self, account: str, frame: str, before_order: int, accounts: int, limit: int
    ) -> list[list[bytes]]:
        return []

    def shared_marks(self, marks: Sequence[int], before_order: int) -> list[int]:
        return []


@dataclass
class BlindEngine:
    """An engine whose nets find no keypoint anywhere."""

    reason: str = "none: a test's engine that sees nothing"
    models: Mapping[str, str] = field(default_factory=dict)

    def features(self, rgb: Pixels, most: int = 0) -> Features:
        height, width = rgb.shape[:2]
        none = np.empty((0, 2), np.float32)
        return Features(none, np.empty((0, 64), np.float32), width, height)

    def writing(self, rgb: Pixels, side: int) -> npt.NDArray[np.float32]:
        return np.zeros((32, 32), np.float32)

    def match(self, a: Features, b: Features) -> Pairs:
        return np.empty((0, 2), np.int64)

    def faces(self, rgb: Pixels) -> npt.NDArray[np.float32]:
        return np.empty((0, 5), np.float32)


class MuteReader:
    """A reader that reads nothing."""

    models: Mapping[str, str] = {}

    def read(self, rgb: Pixels, *, quick: bool = False) -> list[Text]:
        return []

    def skim(self, rgb: Pixels, most: int) -> list[Text]:
        return []
