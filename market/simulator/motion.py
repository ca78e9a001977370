"""How a hand holds a phone: small smooth rotations and shifts, and the gyro that felt them.

Camera axes throughout: x right, y down, z forward; right-handed; radians, metres, seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

GYRO_HZ = 200
_TREMOR_S = 0.09  # correlation time of the hand's angular velocity
_TURN_RATE = 0.05  # rad/s, standard deviation a axis
_DRIFT_RATE = 0.035  # m/s, standard deviation a axis
_RECOVER_S = 1.2  # how soon a person brings the phone back to where it was aimed
_GYRO_NOISE = 0.0015  # rad/s
_GYRO_BIAS = 0.003  # rad/s


@dataclass(frozen=True, slots=True)
class Motion:
    """Poses and what the gyro said.

    Attributes:
        rotations: float64 [n, 3, 3], camera to start frame, one a picture.
        shifts: float64 [n, 3] metres in the start frame, one a picture.
        gyro: float64 [m, 3] rad/s in camera axes at GYRO_HZ, with the noise and bias of a phone's
            sensor; it spans the same time as the pictures (at least one sample).
    """

    rotations: Doubles
    shifts: Doubles
    gyro: Doubles


def hold(frames: int, fps: float, rng: np.random.Generator) -> Motion:
    """A person holding a phone as still as people do, for `frames` pictures at `fps`."""
    per_frame = GYRO_HZ / fps
    samples = max(1, round((frames - 1) * per_frame))
    turning = _wander(samples, _TURN_RATE, rng)
    drifting = _wander(samples, _DRIFT_RATE, rng)
    rotation = cv2.Rodrigues(rng.normal(0, (0.02, 0.02, 0.035)))[0]
    shift = rng.normal(0, 0.01, 3)
    rotations, shifts, felt = [rotation], [shift], np.zeros((samples, 3))
    aim = rotation
    for k in range(samples):
        away = cv2.Rodrigues(aim.T @ rotation)[0].ravel()
        felt[k] = turning[k] - away / _RECOVER_S
        rotation = rotation @ cv2.Rodrigues(felt[k] / GYRO_HZ)[0]
        shift = shift + (drifting[k] - shift / _RECOVER_S) / GYRO_HZ
        rotations.append(rotation)
        shifts.append(shift)
    at = np.minimum(np.round(np.arange(frames) * per_frame).astype(int), samples)
    noise = rng.normal(0, _GYRO_NOISE, felt.shape) + rng.normal(0, _GYRO_BIAS, 3)
    return Motion(np.array(rotations)[at], np.array(shifts)[at], felt + noise)


def _wander(samples: int, spread: float, rng: np.random.Generator) -> Doubles:
    """Smooth zero-mean noise float64 [samples, 3] of the given standard deviation."""
    reach = int(3 * _TREMOR_S * GYRO_HZ)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (_TREMOR_S * GYRO_HZ)) ** 2)
    kernel /= np.sqrt((kernel**2).sum())
    white = rng.normal(0, spread, (samples + 2 * reach, 3))
    return np.stack([np.convolve(white[:, axis], kernel, "valid") for axis in range(3)], axis=1)
