"""Phone models and the conditions of a capture, as frozen values drawn from named ranges.

`isp_ranges("calibration")` and `isp_ranges("reported")` share no value of any parameter: each
parameter's whole range is cut into six slices that go to the two sets in turn, so both sets cover the
same span and neither has a phone of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

Ranges: TypeAlias = Mapping[str, tuple[tuple[float, float], ...]]

_SLICES = 6
_GAP = 0.04  # of a slice, kept free on both sides
_WHOLE = {
    "focal": (0.72, 0.88),
    "full_well": (3200.0, 7200.0),
    "read_noise": (2.5, 6.0),
    "vignette": (0.10, 0.30),
    "contrast": (0.03, 0.15),
    "sharpen": (0.30, 0.90),
    "chroma_blur": (1.1, 2.1),
    "lens_blur": (0.50, 0.80),
    "red_gain": (0.94, 1.06),
    "blue_gain": (0.93, 1.07),
    "readout_s": (0.008, 0.028),
    "prnu": (0.008, 0.012),
}


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone's camera; the defaults are those of a middling phone.

    Attributes:
        seed: of what is this one phone's own: the pattern of its sensor (`sensor.pattern`).
        focal: of the picture's width: .8 is about 64 degrees across, a phone's main camera.
        full_well / read_noise: electrons at white at the gain used indoors; electrons.
        vignette: how much darker the corners are, 0..1.
        contrast / sharpen: of the S-curve; share of the unsharp mask that is added.
        chroma_blur / lens_blur: pixels (sigma), the latter at a width of 1280.
        red_gain / blue_gain: how far the white balance is off, about 1.
        readout_s: the rolling shutter's time from the first row to the last.
        prnu: standard deviation of the sensor's gain, a share.
    """

    seed: int = 0
    focal: float = 0.8
    full_well: float = 5200.0
    read_noise: float = 4.0
    vignette: float = 0.2
    contrast: float = 0.09
    sharpen: float = 0.57
    chroma_blur: float = 1.6
    lens_blur: float = 0.6
    red_gain: float = 1.0
    blue_gain: float = 1.0
    readout_s: float = 0.016
    prnu: float = 0.01


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the scene's light makes of a capture.

    Attributes:
        lux: on a white thing in the scene; what a torch adds is judged against it.
        gain: of the sensor over the gain used indoors; noise grows with its root.
        exposure: factor on the light that the automatic exposure gets wrong.
        shutter_s: how long a picture is exposed: motion blurs it.
        defocus: pixels (sigma) at a width of 1280, besides the lens's own.
        denoise: 0..1, how much the phone smooths away at high gain.
    """

    lux: float = 300.0
    gain: float = 1.0
    exposure: float = 1.0
    shutter_s: float = 1 / 100
    defocus: float = 0.0
    denoise: float = 0.0


def isp_ranges(name: str) -> Ranges:
    """By parameter of `Phone`, the slices a set may draw from: "calibration" or "reported".

    Raises:
        ValueError: another name.
    """
    if name not in {"calibration", "reported"}:
        raise ValueError(f"the sets are calibration and reported, not {name!r}")
    found = {}
    for place, (key, (low, high)) in enumerate(_WHOLE.items()):
        step = (high - low) / _SLICES
        first = (place + (name == "reported")) % 2
        starts = [low + k * step for k in range(first, _SLICES, 2)]
        found[key] = tuple((start + _GAP * step, start + (1 - _GAP) * step) for start in starts)
    return found


def draw_phone(seed: int, ranges: Ranges | None = None) -> Phone:
    """The phone of that seed; the same arguments give the same phone. Without `ranges` from all of them."""
    given = ranges or {key: (whole,) for key, whole in _WHOLE.items()}
    rng = np.random.default_rng((seed, 0x150))
    drawn = {}
    for key, slices in given.items():
        low, high = slices[int(rng.integers(len(slices)))]
        drawn[key] = float(rng.uniform(low, high))
    return Phone(seed=seed, **drawn)


def draw_conditions(kind: str, rng: np.random.Generator) -> Conditions:
    """Conditions "indoor", "outdoor" or "night".

    Raises:
        ValueError: another kind.
    """
    lux = {"indoor": (80, 600), "outdoor": (1_500, 20_000), "night": (2, 20)}.get(kind)
    if lux is None:
        raise ValueError(f"conditions are indoor, outdoor or night, not {kind!r}")
    light = float(np.exp(rng.uniform(*np.log(lux))))
    gain = float(np.clip(300 / light, 0.25, 16)) * float(rng.uniform(0.7, 1.4))
    return Conditions(
        lux=light,
        gain=gain,
        exposure=float(np.exp2(rng.normal(0, 0.22))),
        shutter_s=float(np.clip(3 / light, 1 / 1000, 1 / 25)),
        defocus=float(max(0.0, rng.normal(0.1, 0.3))),
        denoise=float(np.clip(np.log2(max(gain, 1)) / 5 + rng.normal(0, 0.08), 0, 0.9)),
    )
