"""Small films for tests: a hand's wander over a photograph, recorded by the wheel's encoders."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

from market.simulator.recorder import record
from tests.verification.eyes import sample
from verification.picture import Pixels

FPS = 15.0
SIZE = (320, 240)


def wander(
    name: str = "coffee",
    *,
    seconds: float = 5.0,
    seed: int = 0,
    size: tuple[int, int] = SIZE,
    fps: float = FPS,
) -> list[Pixels]:
    """Frames of a crop that a hand moves over a photograph, with a sensor's noise."""
    rng = np.random.default_rng(seed)
    scale = size[0] * 1.5 / sample(name).shape[1]
    whole = cv2.resize(sample(name), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    count = round(seconds * fps) + 1
    push = rng.normal(0, 1.0, (count + 14, 2))
    pace = np.stack([np.convolve(push[:, k], np.hanning(15) / 7, "valid") for k in range(2)], axis=1)
    path = np.cumsum(pace, axis=0) * size[0] / 320
    path -= path.mean(axis=0)
    room = (np.array([whole.shape[1] - size[0], whole.shape[0] - size[1]]) / 2 - 2).clip(1)
    path = room * np.tanh(path / room)
    frames = []
    for x, y in path:
        matrix = np.array([[1, 0, -(room[0] + 2 + x)], [0, 1, -(room[1] + 2 + y)]], np.float64)
        seen = cv2.warpAffine(whole, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        noisy = seen.astype(np.float32) + rng.normal(0, 2, (size[1], size[0], 1)).astype(np.float32)
        frames.append(np.asarray(np.clip(noisy, 0, 255), np.uint8))
    return frames


def film(frames: Sequence[Pixels], **how: object) -> bytes:
    """Their file, H.264 in MP4 unless told."""
    return record(frames, **{"fps": FPS, **how})  # type: ignore[arg-type]


@lru_cache(maxsize=8)
def honest(codec: str = "h264", seed: int = 0) -> bytes:
    """Five honest seconds."""
    return film(wander(seed=seed), codec=codec)


def passing(
    *, seconds: float = 1.6, size: tuple[int, int] = (400, 300), fps: float = FPS, high: float = 0.45
) -> list[Pixels]:
    """A photographed head that passes before a photograph, from left to right and up and down.

    Args:
        high: the head's height, of the picture's.
    """
    whole = sample("astronaut")[0:200, 130:310]
    height = round(high * size[1])
    head = cv2.resize(whole, (round(height * whole.shape[1] / whole.shape[0]), height))
    count, frames = round(seconds * fps) + 1, []
    for k, scene in enumerate(wander(seconds=seconds, size=size, fps=fps)):
        share = k / (count - 1)
        x = round((size[0] - head.shape[1]) * share)
        y = round((size[1] - height) * (0.5 + 0.45 * np.sin(7 * share)))
        shown = scene.copy()
        shown[y : y + height, x : x + head.shape[1]] = head
        frames.append(shown)
    return frames
