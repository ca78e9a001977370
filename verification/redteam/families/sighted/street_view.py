"""A still as a street panorama gives it (bent lines, soft, a faint mark), with a sheet, rendered to move."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from verification.redteam.photographs import Pixels
from verification.redteam.registry import family
from verification.redteam.staging import composited, fitted, moved
from verification.redteam.workshop import Sample, Workshop


def _panorama(rgb: Pixels) -> Pixels:
    """A cylinder's projection of the middle, as of a wide lens stitched, from tiles of 512 pixels."""
    flat = fitted(rgb)
    height, width = flat.shape[:2]
    x = (np.arange(width, dtype=np.float32) - width / 2) / (0.75 * width)
    y = (np.arange(height, dtype=np.float32) - height / 2)[:, None]
    at_x = np.broadcast_to(np.sin(x) * 0.75 * width + width / 2, (height, width)).astype(np.float32)
    at_y = (y * np.cos(x)[None, :] + height / 2).astype(np.float32)
    bent = cv2.remap(flat, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    soft = cv2.resize(
        cv2.resize(bent, (width // 2, height // 2), interpolation=cv2.INTER_AREA), (width, height)
    )
    whole = Image.fromarray(np.asarray(soft, np.uint8))
    pen, font = ImageDraw.Draw(whole), ImageFont.load_default(height / 32)
    for row in range(3):
        pen.text((width * (0.1 + 0.3 * row), height * 0.2), "(c) street", font=font, fill=(205, 205, 205))
    return np.asarray(whole, np.uint8)


@family("street_view", stratum="sighted", fraud="staged", tiers=(1, 0))
def _make(workshop: Workshop) -> Sample:
    made = composited(workshop, _panorama(workshop.base.rgb))
    return workshop.sample(workshop.evidence(moved(workshop, made, workshop.move())))
