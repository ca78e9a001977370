"""Where a camera looks from: a pose, a lens and a shutter, and the rays through its pixels.

Camera axes: x right, y down, z forward. A point of the start frame is at pixel
`focal * (x/z, y/z) + middle` once it is turned and shifted into the camera's own frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def _still() -> Doubles:
    return np.zeros(3)


@dataclass(frozen=True, slots=True)
class View:
    """One picture's point of view.

    Attributes:
        turn: float64 [3, 3], camera to start frame. shift: float64 [3] metres in the start frame.
        size: (width, height) in pixels. focal: pixels.
        rate: float64 [3] rad/s, how the phone turns meanwhile (camera axes).
        readout_s: time from the first row to the last; the middle row is seen from `turn` itself.
        blur: pixels (sigma), how the lens blurs before the sensor samples.
        time: seconds, when.
        torch: what the phone's torch adds to a white thing at 1 m facing it, in the picture's linear light.
    """

    turn: Doubles
    shift: Doubles
    size: tuple[int, int]
    focal: float
    rate: Doubles = field(default_factory=_still)
    readout_s: float = 0.0
    blur: float = 0.0
    time: float = 0.0
    torch: float = 0.0

    @property
    def middle(self) -> Doubles:
        """The pixel in the middle, (x, y)."""
        return np.array([(self.size[0] - 1) / 2, (self.size[1] - 1) / 2])

    def resized(self, width: int) -> View:
        """The same view in a picture of another width."""
        factor = width / self.size[0]
        return replace(self, size=(width, max(1, round(self.size[1] * factor))), focal=self.focal * factor)

    def rays(self, by: Doubles | None = None) -> tuple[Floats, Floats, Floats]:
        """Directions (x, y, z) in the start frame through every pixel, float32 [h, w] each, not normalised.

        With a rolling shutter a row's own turn is the middle row's and what the phone turned since.

        Args:
            by: float64 [3, 3] that each direction is multiplied by; the unit matrix unless given.
        """
        width, height = self.size
        x = ((np.arange(width) - self.middle[0]) / self.focal).astype(np.float32)
        y = (np.arange(height) - self.middle[1]) / self.focal
        when = (np.arange(height) / max(height - 1, 1) - 0.5) * self.readout_s
        rows = self.turn @ _small_turns(self.rate * when[:, None])  # [h, 3, 3]
        if by is not None:
            rows = by @ rows
        slope, start = rows[:, :, 0].astype(np.float32), rows[:, :, 1] * y[:, None] + rows[:, :, 2]
        first, second, third = (
            slope[:, k : k + 1] * x + start[:, k : k + 1].astype(np.float32) for k in range(3)
        )
        return first, second, third

    def flat_rays(self, scale: float = 1.0) -> Floats:
        """The same as (x/z, y/z) times `scale`, float32 [h, w, 2]."""
        x, y, z = self.rays(np.diag([scale, scale, 1.0]))
        return np.asarray(cv2.merge([x / z, y / z]), np.float32)

    def project(self, points: Doubles) -> Doubles:
        """Where points float64 [n, 3] of the start frame fall, float64 [n, 2] pixels (no rolling shutter
        within the picture: the row is that of a first guess)."""
        flat = self._through(self.turn, points)
        late = (flat[:, 1] / max(self.size[1] - 1, 1) - 0.5) * self.readout_s
        if not late.any():
            return flat
        turns = [self.turn @ cv2.Rodrigues(self.rate * s)[0] for s in late]
        return np.array([self._through(t, p[None])[0] for t, p in zip(turns, points, strict=True)])

    def _through(self, turn: Doubles, points: Doubles) -> Doubles:
        seen = (points - self.shift) @ turn
        return np.asarray(seen[:, :2] / seen[:, 2:] * self.focal + self.middle)


def _small_turns(vectors: Doubles) -> Doubles:
    """Rotation matrices [n, 3, 3] of small rotation vectors [n, 3], to second order (1e-6 at 1 degree)."""
    x, y, z = vectors.T
    nought = np.zeros_like(x)
    cross = np.array([[nought, -z, y], [z, nought, -x], [-y, x, nought]]).transpose(2, 0, 1)
    return np.asarray(np.eye(3) + cross + 0.5 * cross @ cross)
