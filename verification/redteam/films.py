"""Videos for the red team: what a phone films of a scene, and the evidence of the file it hands in.

All leave through the same recorder, honest or not, so that no encoder tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from market.simulator.camera import film
from market.simulator.motion import Motion, hold, motion_csv
from market.simulator.recorder import record
from verification.evidence import Burst, Evidence
from verification.redteam.lens import FRAME
from verification.redteam.photographs import Photograph, Pixels
from verification.redteam.workshop import Workshop

FPS = 12.0
SECONDS = 6.0
BITS = (700_000, 3_000_000)  # a second


@dataclass(frozen=True, slots=True)
class Roll:
    """Frames of one take and the motion of the hand that filmed it."""

    frames: tuple[Pixels, ...]
    motion: Motion


def filmed(workshop: Workshop, photo: Photograph | None = None, seconds: float = SECONDS) -> Roll:
    """A held phone's take of the base, or of another photograph's scene."""
    scene = workshop.camera.relief((photo or workshop.base).rgb)
    motion = hold(round(seconds * FPS), FPS, workshop.rng)
    rng = np.random.default_rng(int(workshop.rng.integers(2**32)))
    phone, light = workshop.camera.phone, workshop.camera.conditions
    shot = film(scene, motion, rng, size=FRAME, phone=phone, conditions=light)
    return Roll(tuple(shot.frames), motion)


def recorded(workshop: Workshop, frames: tuple[Pixels, ...], fps: float = FPS) -> bytes:
    """The file: H.264 in MP4 as a camera app writes it, VP8 in WebM as a browser does."""
    codec = "vp8" if workshop.mode == "web" else "h264"
    return record(frames, fps=fps, codec=codec, bits=int(workshop.rng.integers(*BITS)))


def handed_in(workshop: Workshop, media: bytes, motion: Motion | None) -> Evidence:
    """The evidence of a video, signed by the enrolled phone."""
    burst = Burst((), motion=motion_csv(motion, workshop.mode)) if motion else None
    return workshop.evidence(media, say={"kind": "video"}, terms=workshop.terms(kind="video"), burst=burst)
