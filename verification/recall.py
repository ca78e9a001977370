"""The Memory of one context: a handful of earlier captures in RAM, with their looks kept between contexts.

It answers as `memory.PictureMemory` does, with one difference: an earlier capture whose place nobody
told may be of this place, so `around` counts it in.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import cv2
import numpy as np

from core.errors import BadInput
from core.geo import COARSE_RESOLUTION, Spot, cell
from verification import film
from verification.context import Earlier
from verification.evidence import Evidence
from verification.given import refused
from verification.matching import pdq, words
from verification.matching.hash_index import HashIndex
from verification.matching.registration import LONG_SIDE, Eyes, Features, Look, look
from verification.matching.residue import Residue, residue
from verification.matching.word_index import WordIndex
from verification.measures.prnu import NoisePrint, noise_print
from verification.memory import Past, PastSpot
from verification.picture import Decoder, Picture, Pixels, Undecodable

NAME = "memory/"  # and the order: no context file's name, and so no capture's, has a stroke
LOOKS_KEPT = 400  # pictures of about 0.6 MB; a film has up to 41


@dataclass(slots=True)
class Seen:
    """A picture as the duplicate search needs it: `pdq.index_views` as bytes, and its Look.

    The Look of a film's picture is made when first asked for: most never are.
    """

    hashes: bytes
    rgb: Pixels | None
    residue: Residue | None = None
    made: Look | None = None

    def look(self, eyes: Eyes) -> Look:
        """Its Look; the pixels go once it is made."""
        if self.made is None:
            if self.rgb is None:
                raise ValueError("a picture without pixels")
            self.made, self.rgb = replace(look(self.rgb, eyes), residue=self.residue), None
        return self.made


class Looks:
    """What pictures and films look like, by SHA-256; the last LOOKS_KEPT pictures are kept. Safe between
    threads."""

    def __init__(self, decoder: Decoder, eyes: Eyes) -> None:
        self._decoder = decoder
        self._eyes = eyes
        self._kept: OrderedDict[str, tuple[Seen, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, sha256: str, media: bytes) -> tuple[Seen, ...]:
        """One of a picture, several of a film, the key first.

        Raises:
            picture.Undecodable: the bytes are neither.
            Unavailable: the decoding child cannot be kept alive.
        """
        with self._lock:
            if sha256 in self._kept:
                self._kept.move_to_end(sha256)
                return self._kept[sha256]
        films = film.is_film(media)
        seen = tuple(_seen(rgb, noisy=not films) for rgb in self._pictures(media))
        with self._lock:
            self._kept[sha256] = seen
            while len(self._kept) > 1 and sum(max(1, len(each)) for each in self._kept.values()) > LOOKS_KEPT:
                self._kept.popitem(last=False)
        return seen

    def look(self, seen: Seen) -> Look:
        """The Look of one of them."""
        return seen.look(self._eyes)

    def _pictures(self, media: bytes) -> Iterable[Pixels]:
        if film.is_film(media):
            return film.views(film.watch(self._decoder, media))
        return (self._decoder.open(media).rgb,)

    def noise(self, media: bytes) -> NoisePrint | None:
        """The sensor's noise in a picture; None for one too small, and for bytes that are no picture."""
        try:
            return noise_print(self._decoder.grain(media))
        except Undecodable:
            return None


def undecodable(at: str, broken: Undecodable) -> BadInput:
    """The error for a picture of a context that the decoder refuses; `facts["reason"]` says why."""
    return refused(f"{at} names no picture that can be decoded: {broken.reason}", at, reason=broken.reason)


def _seen(rgb: Pixels, *, noisy: bool) -> Seen:
    scale = min(1.0, LONG_SIDE / max(rgb.shape[:2]))
    size = (max(32, round(rgb.shape[1] * scale)), max(32, round(rgb.shape[0] * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8) if scale < 1 else rgb
    hashes = pdq.index_views(rgb).astype("<u8").tobytes()
    return Seen(hashes, small, residue(rgb) if noisy else None)


class Recall:
    """The earlier captures of one context, oldest first: their orders are 1, 2, 3 and so on.

    A film counts in the index as several pictures one behind another; `_rows` says whose each is.

    Raises:
        core.errors.BadInput: one of them can be decoded by nothing here, so no copy of it could be found.
    """

    def __init__(self, earlier: Sequence[Earlier], looks: Looks) -> None:
        self._earlier = earlier
        self._looks = looks
        self._sha256 = [hashlib.sha256(capture.media).hexdigest() for capture in earlier]
        self._index = HashIndex()
        self._require_pictures()
        orders = range(1, len(earlier) + 1)
        held = [
            (order, number, each.hashes) for order in orders for number, each in enumerate(self._seen(order))
        ]
        self._rows = [(order, number) for order, number, _ in held]
        self._index.add([(row, hashes) for row, (_, _, hashes) in enumerate(held)], len(held))
        self._words: WordIndex | None = None

    def remember(
        self,
        evidence: Evidence,
        picture: Picture | None,
        noise: NoisePrint | None = None,
        moments: Sequence[Pixels] = (),
    ) -> None:
        """Keeps nothing: the capture under examination is the last of its context."""

    def look_of(self, capture: str, picture: int = 0) -> Look | None:
        """See `Memory`."""
        number = capture.removeprefix(NAME)
        order = int(number) if capture != number and number.isdecimal() else 0
        seen = self._seen(order) if 1 <= order <= len(self._earlier) else ()
        return self._looks.look(seen[picture]) if 0 <= picture < len(seen) else None

    def same_bytes(self, sha256: str, before_order: int) -> list[Past]:
        """See `Memory`."""
        return self._past(before_order, lambda order: self._sha256[order - 1] == sha256)

    def nearest(self, views: pdq.Hashes, before_order: int, limit: int) -> list[Past]:
        """See `Memory`."""
        below = sum(order < before_order for order, _ in self._rows)
        found = self._index.below(below).search(views, limit)
        return [self._named(*self._rows[row], distance, way) for row, distance, way in found]

    def sharing(self, features: Features, before_order: int, limit: int) -> list[Past]:
        """See `Memory`; of a film its key picture is searched."""
        if self._words is None:
            self._words = WordIndex()
            keys = [
                (order, self._looks.look(self._seen(order)[0]).features)
                for order in range(1, len(self._earlier) + 1)
            ]
            self._words.add([(order, words.entries(each).tobytes()) for order, each in keys])
        found = self._words.below(before_order).search(features, limit)
        return [self._named(order) for order, _ in found]

    def around(self, bounty: str, spot: Spot | None, before_order: int, limit: int) -> list[Past]:
        """See `Memory`; whose place is not known counts as near."""

        def near(order: int) -> bool:
            there = self._earlier[order - 1].spot
            apart = spot and there and cell(spot, COARSE_RESOLUTION) != cell(there, COARSE_RESOLUTION)
            return not apart

        return self._past(before_order, near)[::-1][:limit]

    def last_spot(self, account: str, before_order: int) -> PastSpot | None:
        """See `Memory`."""
        for capture in reversed(self._earlier[: before_order - 1]):
            if capture.account == account and capture.spot and capture.captured_at:
                return PastSpot(capture.spot, capture.captured_at)
        return None

    def prints(self, account: str, frame: str, before_order: int, limit: int) -> list[bytes]:
        """See `Memory`."""
        own = (each.media for each in self._earlier[: before_order - 1][::-1] if each.account == account)
        found = (self._looks.noise(media) for media in islice(own, limit))
        return [noise.packed for noise in found if noise is not None and noise.frame == frame]

    def refused_prints(
        self, account: str, frame: str, before_order: int, accounts: int, limit: int
    ) -> list[list[bytes]]:
        """None: a context does not say who was refused."""
        return []

    def shared_marks(self, marks: Sequence[int], before_order: int) -> list[int]:
        """None: a context holds no series."""
        return []

    def _require_pictures(self) -> None:
        for index in range(len(self._earlier)):
            try:
                self._seen(index + 1)
            except Undecodable as broken:
                raise undecodable(f"memory[{index}].path", broken) from None

    def _seen(self, order: int) -> tuple[Seen, ...]:
        return self._looks.of(self._sha256[order - 1], self._earlier[order - 1].media)

    def _past(self, before_order: int, fits: Callable[[int], bool]) -> list[Past]:
        orders = range(1, min(before_order, len(self._earlier) + 1))
        return [self._named(order) for order in orders if fits(order)]

    def _named(self, order: int, picture: int = 0, distance: int | None = None, way: int = 0) -> Past:
        account = self._earlier[order - 1].account
        return Past(f"{NAME}{order}", order, account, "bty_earlier", distance, way, picture)
