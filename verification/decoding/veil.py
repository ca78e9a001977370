"""Making a part of a picture unknowable, inside the sandbox.

An ellipse is filled with what is left of it once it is averaged to CELLS colours a side: mosaics of 16 cells
and blurs of a few pixels are undone by a net that has seen enough of them (McPherson, Shokri & Shmatikov,
Defeating Image Obfuscation with Deep Learning, 2016), 5 x 5 averages of a whole head hold little but skin
and hair, and are drawn without edges, so that a picture stays calm to look at.
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

CELLS = 5
_DRAWN = 512  # pixels: side at which the ellipse is drawn, to be scaled


def veiled(rgb: Image.Image, areas: Sequence[Sequence[float]]) -> Image.Image:
    """The same picture, changed in place.

    Args:
        areas: left, top, right and bottom, 0..1 of the picture; what lies outside it is cut off.
    """
    width, height = rgb.size
    for left, top, right, bottom in areas:
        box = (
            max(0, int(left * width)),
            max(0, int(top * height)),
            min(width, int(right * width) + 1),
            min(height, int(bottom * height) + 1),
        )
        size = (box[2] - box[0], box[3] - box[1])
        if min(size) > 0:
            blank = rgb.crop(box).resize((CELLS, CELLS), Image.Resampling.BOX)
            rgb.paste(blank.resize(size, Image.Resampling.BICUBIC), box, _ellipse(size))
    return rgb


def _ellipse(size: tuple[int, int]) -> Image.Image:
    """What of a box of that size is veiled, 0..255."""
    drawn = Image.new("L", (_DRAWN, _DRAWN))
    ImageDraw.Draw(drawn).ellipse((0, 0, _DRAWN - 1, _DRAWN - 1), fill=255)
    return drawn.resize(size)
