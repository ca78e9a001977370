"""What is found of a picture, found once: a photo is laid over many frames, and each is asked for again."""

from __future__ import annotations

import functools
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Found = TypeVar("Found")

KEPT = 96  # pictures: a burst has at most 64


def once(find: Callable[[Pixels], Found]) -> Callable[[Pixels], Found]:
    """A function of a picture that keeps what it found of the last pictures, for as long as they live.

    A picture is its array, not what stands in it: one that is written to must be another array.
    """
    held: deque[tuple[weakref.ref[Pixels], Found]] = deque(maxlen=KEPT)
    lock = threading.Lock()

    @functools.wraps(find)
    def kept(rgb: Pixels) -> Found:
        with lock:
            known = [found for picture, found in held if picture() is rgb]
        if known:
            return known[0]
        found = find(rgb)
        with lock:
            held.append((weakref.ref(rgb), found))
        return found

    return kept
