"""Photographs of the folder that look taken in a room, judged by eye, for honest families at night.

A photograph says nothing of what lit it: a room in daylight stands here for the same room under its lamps.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from verification.redteam.photographs import Photograph

_CLOSE_UPS = "phone close-up"  # the manifest's style of products and codes on a desk
_ROOMS = frozenset(
    {
        # judged for the reported split
        "im_book-beside-flowers",
        "im_craft-beer",
        "im_empty_gps",
        "im_handwritten-notes",
        "im_japanese-shop",
        "lw_Picture_0B_by_freespace",
        "lw_Picture_1A_by_freespace",
        "lw_Wine_by_Jakkub_Mede",
        "px_bag01",
        "px_chair01",
        "px_corn02",
        "px_flower02",
        "px_hands01",
        "px_laptop01",
        "px_rabbit01",
        "px_silverwear01",
        "01_cave_01",
        "01_image000",
        "01_chair01_left",
        "01_chair02_left",
        # judged for the calibration split, beside the close-ups
        "cv_apple",
        "cv_board",
        "cv_fruits",
        "el_Desk_Plants",
        "me_Canon_EOS_7D",
        "me_Issue_154",
        "me_Issue_266",
        "me_Issue_525",
        # of the packages' samples
        "astronaut",
        "chelsea",
        "coffee",
    }
)


def indoors(photo: Photograph) -> bool:
    """Whether the photograph may be of a room."""
    return photo.style.startswith(_CLOSE_UPS) or PurePosixPath(photo.id).stem in _ROOMS
