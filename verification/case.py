"""What a check is handed: one capture under examination, and the tools it may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from verification.evidence import Evidence, Json, Neighbour
from verification.judge import Judge
from verification.picture import Decoder, Grain, Picture, Pixels, Undecodable
from verification.trust import TrustList

if TYPE_CHECKING:  # values of the seeing half, which loads OpenCV: only a worker does
    from verification.film import Film
    from verification.matching.registration import Features, Pairs
    from verification.measures.flow import Tracks
    from verification.measures.placing import Placed
    from verification.measures.stepping import Stepping
    from verification.memory import Memory
    from verification.writing import Text


Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]


class Engine(Protocol):
    """The nets, as checks see them (`verification.engine.Engine` is the one with torch).

    Attributes:
        reason: device, precision and why, e.g. "cpu: no CUDA device; float32: ...".
        models: name -> SHA-256 of every weights file in use.
    """

    reason: str
    models: Mapping[str, str]

    def features(self, rgb: Pixels, most: int = ...) -> Features:
        """The strongest keypoints, and their descriptors, of uint8[h, w, 3]."""
        ...

    def match(self, a: Features, b: Features) -> Pairs:
        """Mutual nearest neighbours, int64[m, 2]."""
        ...

    def writing(self, rgb: Pixels, side: int) -> Floats:
        """Where writing is in uint8[h, w, 3]: probability float32[h', w'], at about that long side."""
        ...

    def faces(self, rgb: Pixels) -> Floats:
        """Faces in uint8[h, w, 3]: float32[n, 5], left, top, right, bottom in its pixels, and heat 0..1."""
        ...


class Reader(Protocol):
    """Reads text and codes in a picture (`verification.reading.Reader`).

    Attributes:
        models: name -> SHA-256 of every weights file in use.
    """

    models: Mapping[str, str]

    def read(self, rgb: Pixels, *, quick: bool = False) -> list[Text]:
        """What stands written in uint8[h, w, 3]; `quick`: at least what is written large."""
        ...

    def skim(self, rgb: Pixels, most: int) -> list[Text]:
        """What stands written in one of many pictures, the `most` tallest pieces of it, and no codes."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What checks may use; opened once by the worker's root and shared by all its examinations.

    `judge` is off unless the root sets one; what it says is capped.
    """

    decoder: Decoder
    memory: Memory
    engine: Engine
    reader: Reader
    trust: TrustList
    judge: Judge | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded still of a burst: uint8[h, w, 3] and its time in seconds on the motion's clock."""

    t: float
    rgb: Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Sensed:
    """What the phone felt: `t` float64[n] seconds, rising; `gyro` [n, 3] rad/s; `acceleration` [n, 3] m/s^2.

    Axes as in `Burst.motion`: x right, y up, z out of the screen, towards the person.
    """

    t: Doubles
    gyro: Doubles
    acceleration: Doubles


@dataclass(slots=True)
class Case:
    """One capture under examination.

    Attributes:
        picture: set by the `decode` check; None before, for a stream, and when nothing could be decoded.
        statement: what the device signed, parsed; None when it is no JSON object (see
            `verification.statement`). Its values are a stranger's: check their types.
        film: set by the `decode` check for a video; `picture` and `frames` are its.
        frames: the burst, decoded by the `burst` check; () when there is none.
        sensed: its motion, parsed by the same; None when there is none.
        tracks: points followed through the frames; `measures.flow.tracks_of` makes them once.
        stepping: how the camera turned by its gyroscope, and where the sheet went meanwhile;
            `measures.stepping.stepping_of` finds it once.
        placed: where the photo lies in its burst; `measures.placing.placed_in_burst` finds it once.
        code_box: where the `challenge` check saw the code in `picture`: float64[4, 2] pixels, clockwise from
            the writing's top left; None before, and where it was not seen.
        neighbours: proven copies of earlier captures; the `duplicate` check adds them.
    """

    evidence: Evidence
    tools: Tools
    picture: Picture | None = None
    statement: Mapping[str, Json] | None = None
    frames: tuple[Frame, ...] = ()
    sensed: Sensed | None = None
    film: Film | None = None
    tracks: Tracks | None = None
    stepping: Stepping | None = None
    placed: Placed | None = None
    code_box: Doubles | None = None
    neighbours: list[Neighbour] = field(default_factory=list)
    _grain: list[Grain | None] = field(default_factory=list, init=False, repr=False)  # empty until asked for

    def grain(self) -> Grain | None:
        """The middle of the photo at native resolution, decoded once a capture; None when it cannot be.

        Raises:
            core.errors.Unavailable: the decoding child cannot be kept alive.
        """
        if self.film is not None:
            return self.film.grain
        if not self._grain:
            try:
                self._grain.append(self.tools.decoder.grain(self.evidence.media))
            except Undecodable:
                self._grain.append(None)
        return self._grain[0]
