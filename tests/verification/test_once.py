"""What is found of a picture is found once, for as long as the picture lives."""

from __future__ import annotations

import numpy as np

from verification.measures.once import KEPT, Pixels, once


def picture() -> Pixels:
    return np.zeros((4, 4, 3), np.uint8)


def test_each_picture_is_looked_at_once() -> None:
    asked: list[int] = []

    @once
    def look(rgb: Pixels) -> int:
        asked.append(id(rgb))
        return len(asked)

    here, there = picture(), picture()
    assert [look(here), look(there), look(here), look(there)] == [1, 2, 1, 2]


def test_a_picture_in_the_place_of_one_that_is_gone_is_another() -> None:
    found: list[int] = []

    @once
    def look(rgb: Pixels) -> int:
        found.append(0)
        return len(found)

    for count in range(1, KEPT + 3):  # numpy hands the same memory out again and again
        assert look(picture()) == count


def test_the_last_pictures_are_kept_and_no_more() -> None:
    asked: list[int] = []

    @once
    def look(rgb: Pixels) -> int:
        asked.append(0)
        return 0

    pictures = [picture() for _ in range(KEPT + 1)]
    for rgb in [*pictures, pictures[-1], pictures[0]]:
        look(rgb)
    assert len(asked) == KEPT + 2, "the last is known still, the first is not"
