"""burst: the frames around the shutter are sound pictures, and the motion that came with them can be read.

Stops: nothing by itself; it opens frames and motion for the checks that compare them (`case.frames`,
`case.sensed`), so it costs 0 and its name sorts before theirs.
How: every frame goes through the same sandboxed decoder as the photo, with less allowed to it, for there are
up to 64: 13 megapixels, 20 scans of a JPEG and 4 s of processor time; and all together may take 10 s and one
more a MiB of them (`verification.decoding.limits`). The motion is a CSV of finite numbers with rising times.
Limits: what is broken or costs more is refused, for an honest phone never sends it: its frames are 640 pixels
wide, or what its camera makes of its own accord.
"""

from __future__ import annotations

import csv
import io
import itertools

import numpy as np

from verification.case import Case, Doubles, Frame, Sensed
from verification.evidence import Burst, Family, Outcome, abstain, hard_fail, ok
from verification.picture import Undecodable
from verification.registry import check

MAX_FRAMES = 64
MAX_SAMPLES = 20_000
SHORTEST_S = 1e-6  # between two samples
LARGEST = 1e6  # of any number of a motion file: seconds, rad/s, m/s^2
HEADER = ["t", "gx", "gy", "gz", "ax", "ay", "az"]
DEFAULT_FPS = 15.0  # where neither times nor motion say how fast the frames came


@check("burst", family=Family.INTEGRITY, version="3", cost=0, kinds={"photo", "video"}, bounds=(0.0, 0.0))
def burst(case: Case) -> Outcome:
    """OK "burst_read"; hard-fails "broken_burst", whose fact `why` is the decoder's reason for a frame (such
    as "too_many_pixels" or "too_costly"), "frames_of_several_sizes" or "unreadable"; abstains "no_burst" or
    "no_frames"."""
    given = case.evidence.burst
    if given is None:
        return abstain("no_burst")
    try:
        sensed = read_motion(given.motion) if given.motion else None
        times = _times(given, sensed) if given.frames or sensed is None else ()
        pictures = case.tools.decoder.frames(given.frames)
    except (ValueError, Undecodable) as broken:
        return hard_fail("broken_burst", why=getattr(broken, "reason", "unreadable"))
    if len({picture.shape for picture in pictures}) > 1:
        return hard_fail("broken_burst", why="frames_of_several_sizes")
    case.frames = tuple(Frame(t, picture) for t, picture in zip(times, pictures, strict=True))
    case.sensed = sensed
    if not pictures:
        return abstain("no_frames", samples=len(sensed.t) if sensed else 0)
    return ok(0.0, "burst_read", frames=len(pictures), samples=len(sensed.t) if sensed else 0)


def read_motion(text: str) -> Sensed:
    """The samples of a motion CSV (see `Burst.motion`).

    Raises:
        ValueError: another header, a row of another length, a number that is not finite or over LARGEST,
            times that fall or lie under SHORTEST_S apart, no rows or too many. Of several samples at one time
            the last is taken.
    """
    try:
        rows = list(itertools.islice(csv.reader(io.StringIO(text.removeprefix("\ufeff"))), MAX_SAMPLES + 2))
    except csv.Error as broken:  # a field without end, among others
        raise ValueError("a motion file is CSV") from broken
    if not rows or [name.strip() for name in rows[0]] != HEADER or not 2 <= len(rows) <= MAX_SAMPLES + 1:
        raise ValueError("a motion file has the header t,gx,gy,gz,ax,ay,az and 1..20000 rows")
    values = np.array([[float(cell) for cell in row] for row in rows[1:] if row], dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(HEADER) or not np.isfinite(values).all():
        raise ValueError("a motion row is seven finite numbers")
    if (np.diff(values[:, 0]) < 0).any() or np.abs(values).max() > LARGEST:
        raise ValueError("times of motion rise, and no number is over a million")
    values = values[np.diff(values[:, 0], append=np.inf) > 0]  # phones give one time to several samples
    if len(values) > 1 and np.diff(values[:, 0]).min() < SHORTEST_S:
        raise ValueError("samples of motion lie a microsecond apart at least")
    return Sensed(values[:, 0], values[:, 1:4], values[:, 4:7])


def _times(given: Burst, sensed: Sensed | None) -> Doubles:
    """When each frame was taken, in seconds."""
    count = len(given.frames)
    if not 1 <= count <= MAX_FRAMES:
        raise ValueError(f"a burst has 1..{MAX_FRAMES} frames")
    if given.times:
        times = np.array(given.times, dtype=np.float64)
        if len(times) != count or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
            raise ValueError("a burst has one time a frame, and they rise")
        return times
    if sensed is not None and len(sensed.t) > 1:
        return np.linspace(sensed.t[0], sensed.t[-1], count)
    return np.arange(count, dtype=np.float64) / DEFAULT_FPS
