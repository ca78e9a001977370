"""Making a part of a picture unknowable, inside the sandbox.

A part is filled with what is left of it once it is averaged to CELLS colours a side: mosaics of 16 cells
and blurs of a few pixels are undone by a net that has seen enough of them (McPherson, Shokri & Shmatikov,
Defeating Image Obfuscation with Deep Learning, 2016), 5 x 5 averages of a whole head hold little but skin
and hair, those of a number plate no letter, and they are drawn without edges, so that a picture stays calm to
look at. A head is an ellipse; a plate is veiled to its corners.
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

CELLS = 5
_DRAWN = 512  # pixels: side at which a shape is drawn, to be scaled


def veiled(rgb: Image.Image, areas: Sequence[Sequence[float]]) -> Image.Image:
    """The same picture, changed in place.

    Args:
        areas: shares of the picture's width and height: four are left, top, right and bottom of an ellipse,
            eight the corners of a quadrilateral, x and y in turn. What lies outside the picture is cut off.
    """
    width, height = rgb.size
    for area in areas:
        xs, ys = [x * width for x in area[::2]], [y * height for y in area[1::2]]
        box = (
            max(0, int(min(xs))),
            max(0, int(min(ys))),
            min(width, int(max(xs)) + 1),
            min(height, int(max(ys)) + 1),
        )
        size = (box[2] - box[0], box[3] - box[1])
        if min(size) > 0:
            blank = rgb.crop(box).resize((CELLS, CELLS), Image.Resampling.BOX)
            shape = _quadrilateral(xs, ys, box) if len(xs) > 2 else _ellipse()
            rgb.paste(blank.resize(size, Image.Resampling.BICUBIC), box, shape.resize(size))
    return rgb


def _ellipse() -> Image.Image:
    """What of a box is veiled, 0..255."""
    drawn = Image.new("L", (_DRAWN, _DRAWN))
    ImageDraw.Draw(drawn).ellipse((0, 0, _DRAWN - 1, _DRAWN - 1), fill=255)
    return drawn


def _quadrilateral(xs: Sequence[float], ys: Sequence[float], box: tuple[int, int, int, int]) -> Image.Image:
    """The same, for corners in pixels of the picture."""
    left, top, right, bottom = box
    corners = [
        ((x - left) / (right - left) * (_DRAWN - 1), (y - top) / (bottom - top) * (_DRAWN - 1))
        for x, y in zip(xs, ys, strict=True)
    ]
    drawn = Image.new("L", (_DRAWN, _DRAWN))
    ImageDraw.Draw(drawn).polygon(corners, fill=255)
    return drawn
