"""A photograph and frames of its burst as one wide view: their features, in pixels of the photograph.

A phone that turns shows more of a place than its photograph, and what the sheet hides in one frame another
shows. Each frame is laid on the photograph, or on a frame that lies there already, by the homography that
their features agree on (a turned camera's exactly, but for what is near). All features together, at every
size they were looked at, then make one look, which is compared once: what two frames each half show is seen
whole, and each thing at the size that the other picture shows it in.

Source: Brown & Lowe, "Automatic panoramic image stitching using invariant features" (IJCV 2007), without the
stitching.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np

from verification.matching.registration import Eyes, Features, Matrix

Sizes: TypeAlias = tuple[Features, ...]

MIN_MATCHES = 20  # fewer are not worth a RANSAC
SEEN, SHARE = 25, 0.3  # inliers, and their share of the matches, from which one lies on the other
_PIXELS = 3.0
_ROUNDS = 1000


def widened(photo: Sizes, frames: Sequence[Sizes], eyes: Eyes) -> Features | None:
    """The photograph's features and those of the frames that can be laid on it; None where none can.

    Args:
        photo: one picture's features at one or more sizes, in the same pixels; by the first it is laid. So
            is each of the frames.
    """
    laid: list[tuple[Sizes, Matrix]] = [(photo, np.eye(3))]
    waiting = list(frames)
    for base, onto in laid:  # grows as frames are laid
        still: list[Sizes] = []
        for frame in waiting:
            matrix = _map(frame[0], base[0], eyes)
            if matrix is None:
                still.append(frame)
            else:
                laid.append((frame, onto @ matrix))
        waiting = still
    if len(laid) == 1:
        return None
    every = [(seen, matrix) for sizes, matrix in laid for seen in sizes]
    xy = np.concatenate([_moved(seen, matrix) for seen, matrix in every])
    held = np.isfinite(xy).all(axis=1)
    descriptors = np.concatenate([seen.descriptors for seen, _ in every])
    return Features(xy[held].astype(np.float32), descriptors[held], photo[0].width, photo[0].height)


def _map(one: Features, other: Features, eyes: Eyes) -> Matrix | None:
    """float64[3, 3] from pixels of the one to pixels of the other; None where they show no common view."""
    pairs = eyes.match(one, other)
    if len(pairs) < MIN_MATCHES:
        return None
    matrix, kept = cv2.findHomography(
        one.xy[pairs[:, 0]], other.xy[pairs[:, 1]], cv2.USAC_MAGSAC, _PIXELS, None, _ROUNDS, 0.999
    )
    if matrix is None or np.count_nonzero(kept) < max(SEEN, SHARE * len(pairs)):
        return None
    return np.asarray(matrix, np.float64)


def _moved(seen: Features, matrix: Matrix) -> Matrix:
    """Places of features float64[n, 2] under a map; NaN where they fall behind the camera."""
    there = np.column_stack([seen.xy, np.ones(len(seen.xy))]) @ (matrix / matrix[2, 2]).T
    depth = np.where(there[:, 2:] > 0.05, there[:, 2:], np.nan)
    return np.asarray(there[:, :2] / depth, np.float64)
