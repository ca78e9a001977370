"""Areas of single moments become veils that move, and rather too many than too few."""

from __future__ import annotations

import pytest

from verification.decoding.veil import at
from verification.tracks import GAP, Area, Look, Tracks, linked, veils

STEP = 0.3  # seconds between two looks, as in a film of 20 s


def box(x: float, y: float = 0.5, width: float = 0.1, height: float = 0.1) -> Area:
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def looks(*found: list[Area]) -> list[Look]:
    return [(round(k * STEP, 6), areas) for k, areas in enumerate(found)]


def tracks(given: list[Look], seconds: float) -> Tracks:
    times = sorted({t for t, _ in given})
    return tuple(tuple(veils(seen, times, seconds)) for seen in linked(given))


def veiled(given: list[Look], t: float, seconds: float = 10.0) -> list[tuple[float, ...]]:
    """The areas veiled at a time, as the child works them out."""
    veils = [veil for face in tracks(given, seconds) for veil in face]
    return at([[v.start, v.end, *v.first, *v.last] for v in veils], t)


def covers(areas: list[tuple[float, ...]], x: float, y: float = 0.5) -> bool:
    return any(left < x < right and top < y < bottom for left, top, right, bottom in areas)


def test_no_face_no_veil() -> None:
    assert tracks(looks([], [], []), 10.0) == ()
    assert tracks([], 10.0) == ()


def test_a_face_that_moves_is_followed_in_a_straight_line() -> None:
    given = looks([box(0.30)], [box(0.32)], [box(0.36)])
    assert len(tracks(given, 0.6)) == 1
    assert any(area == pytest.approx(box(0.31)) for area in veiled(given, STEP / 2))
    assert any(area == pytest.approx(box(0.34)) for area in veiled(given, STEP * 1.5))


def test_a_face_that_grows_is_followed() -> None:
    given = looks([box(0.5, width=0.1, height=0.2)], [box(0.5, width=0.16, height=0.3)])
    assert any(area == pytest.approx(box(0.5, width=0.13, height=0.25)) for area in veiled(given, STEP / 2))


@pytest.mark.parametrize("seen", [0, 1, 3, 5])
def test_a_face_seen_once_is_veiled_around_it(seen: int) -> None:
    found: list[list[Area]] = [[] for _ in range(6)]
    found[seen] = [box(0.5)]
    given = looks(*found)
    assert len(tracks(given, 1.5)) == 1
    for t in (seen * STEP - 0.49, seen * STEP, seen * STEP + 0.49):  # half a second to each side
        if 0 <= t <= 1.5:
            assert veiled(given, t, 1.5) == [pytest.approx(box(0.5))] * len(veiled(given, t, 1.5)) != []
    assert veiled(given, seen * STEP + 0.85, 1.5) == []


def test_a_face_is_veiled_until_the_next_look_however_late() -> None:
    given: list[Look] = [(0.0, []), (3.0, [box(0.5)]), (6.0, [])]
    assert [bool(veiled(given, t)) for t in (0.0, 2.9, 3.1, 6.0, 6.1)] == [True, True, True, True, False]


def test_before_the_first_look_and_after_the_last() -> None:
    given: list[Look] = [(0.4, [box(0.5)]), (0.7, [box(0.5)])]
    assert veiled(given, 0.0, 1.9) == [box(0.5)]
    assert veiled(given, 1.9, 1.9) == [box(0.5)]


def test_a_face_that_is_missed_for_a_moment_was_there() -> None:
    missed = int(GAP / STEP) - 1
    given = looks([box(0.30)], *([[]] * missed), [box(0.30)])
    assert len(tracks(given, 10.0)) == 1
    assert all(covers(veiled(given, k * STEP / 4), 0.30) for k in range(4 * (missed + 1)))
    long_gone = looks([box(0.30)], *([[]] * (missed + 3)), [box(0.30)])
    assert len(tracks(long_gone, 10.0)) == 2
    assert not covers(veiled(long_gone, (missed + 4) * STEP / 2), 0.30)


def test_a_face_that_moved_far_is_veiled_at_both_ends_too() -> None:
    """It may have moved at once, or be another's: the way is a guess."""
    given = looks([box(0.3)], [box(0.45)])
    early, late = veiled(given, 0.02), veiled(given, STEP - 0.02)
    assert covers(early, 0.3)
    assert covers(early, 0.45)
    assert covers(late, 0.3)
    assert covers(late, 0.45)
    assert covers(veiled(given, STEP / 2), 0.375)


def test_faces_that_pass_each_other_keep_apart() -> None:
    given = looks([box(0.3), box(0.6)], [box(0.4), box(0.5)], [box(0.5), box(0.4)], [box(0.6), box(0.3)])
    for k in range(91):
        t, share = k / 100, k / 90
        areas = veiled(given, t, 0.9)
        assert covers(areas, 0.3 + 0.3 * share), t
        assert covers(areas, 0.6 - 0.3 * share), t


def test_a_leap_or_another_size_is_another_face() -> None:
    assert len(tracks(looks([box(0.2)], [box(0.8)]), 10.0)) == 2
    assert len(tracks(looks([box(0.5)], [box(0.5, width=0.3, height=0.3)]), 10.0)) == 2
    there = veiled(looks([box(0.2)], [box(0.8)]), STEP / 2)
    assert covers(there, 0.2)
    assert covers(there, 0.8)


def test_two_looks_at_one_moment_are_one() -> None:
    """The same frame is seen small and large: one face, as large as both say."""
    given: list[Look] = [(0.3, [box(0.51)]), (0.0, []), (0.3, [box(0.50), box(0.9)])]
    assert len(tracks(given, 1.0)) == 2
    areas = veiled(given, 0.3)
    assert any(area == pytest.approx((0.45, 0.45, 0.56, 0.55)) for area in areas)


def test_twins_are_two_faces() -> None:
    assert len(tracks(looks([box(0.3), box(0.8)], [box(0.3), box(0.8)]), 1.0)) == 2


def test_a_veil_of_no_length() -> None:
    assert at([[1.0, 1.0, 0, 0, 1, 1, 0, 0, 1, 1]], 1.0) == [(0, 0, 1, 1)]
