"""A photograph and frames of its burst as one wide view: their features, in pixels of the photograph.

A phone that turns shows more of a place than its photograph, and what the sheet hides in one frame another
shows. Each frame is laid on the photograph, or on a frame that lies there already, by the homography that
their features agree on (a turned camera's exactly, but for what is near). All features together then make one
look, which is compared once: what two frames each half show is seen whole.

Source: Brown & Lowe, "Automatic panoramic image stitching using invariant features" (IJCV 2007), without the
stitching.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from verification.registration import Eyes, Features, Matrix

MIN_MATCHES = 20  # fewer are not worth a RANSAC
SEEN, SHARE = 25, 0.3  # inliers, and their share of the matches, from which one lies on the other
_PIXELS = 3.0
_ROUNDS = 1000


def widened(photo: Features, frames: Sequence[Features], eyes: Eyes) -> Features | None:
    """The photograph's features and those of the frames that can be laid on it; None where none can."""
    laid: list[tuple[Features, Matrix]] = [(photo, np.eye(3))]
    waiting = list(frames)
    for base, onto in laid:  # grows as frames are laid
        for frame in list(waiting):
            matrix = _map(frame, base, eyes)
            if matrix is not None:
                laid.append((frame, onto @ matrix))
                waiting = [one for one in waiting if one is not frame]
    if len(laid) == 1:
        return None
    xy = np.concatenate([_moved(seen, matrix) for seen, matrix in laid])
    held = np.isfinite(xy).all(axis=1)
    descriptors = np.concatenate([seen.descriptors for seen, _ in laid])
    return Features(xy[held].astype(np.float32), descriptors[held], photo.width, photo.height)


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
