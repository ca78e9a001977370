"""The scene check on real photographs, real nets and the real decoder."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_sample_image

from market.simulator.sensor import encode
from tests.fakes.seeing import EmptyMemory, MuteReader
from tests.verification import stage
from tests.verification.eyes import engine, picture, sample
from verification.case import Case, Frame, Tools
from verification.checks.scene import DIFFERS, MATCH, STRONGEST, said, scene
from verification.evidence import Outcome, Status
from verification.matching.registration import look
from verification.measures.panorama import widened
from verification.measures.recognition import recognise, smaller
from verification.picture import Decoder, Pixels
from verification.trust import TrustList


def place() -> list[Pixels]:
    """Two views of one workshop from a step apart, and the first again, seen from further left."""
    left, right, _ = skimage.data.stereo_motorcycle()
    return [np.asarray(left, np.uint8), np.asarray(right, np.uint8), np.asarray(left[:, 60:], np.uint8)]


def other() -> Pixels:
    return np.asarray(load_sample_image("china.jpg"), np.uint8)


def judged(decoder: Decoder, rgb: Pixels | None, references: list[bytes]) -> Outcome:
    tools = Tools(decoder, EmptyMemory(), engine(), MuteReader(), TrustList())
    evidence = replace(stage.photo(b"x"), references=tuple(references))
    return scene(Case(evidence, tools, None if rgb is None else picture(rgb)))


def test_without_references_or_picture_it_is_silent(decoder: Decoder) -> None:
    assert judged(decoder, other(), []).reason == "no_likeness_asked"
    assert judged(decoder, None, [encode(other())]).reason == "no_picture"
    assert judged(decoder, other(), [b"no picture"]).reason == "references_unreadable"


def test_another_view_of_the_place_matches(decoder: Decoder) -> None:
    left, right, _ = place()
    seen = judged(decoder, right, [encode(other()), encode(left)])
    assert (seen.status, seen.reason) == (Status.OK, "scene_matches")
    assert MATCH < seen.llr <= STRONGEST
    assert seen.facts["references"] == 2


def test_one_reference_of_another_place_proves_nothing(decoder: Decoder) -> None:
    seen = judged(decoder, other(), [encode(place()[0])])
    assert (seen.status, seen.reason) == (Status.ABSTAIN, "scene_inconclusive")


def test_many_references_that_know_each_other_do(decoder: Decoder) -> None:
    references = [encode(view) for view in place()]
    seen = judged(decoder, other(), references)
    assert (seen.reason, seen.llr) == ("scene_differs", DIFFERS)
    strangers = [references[0], encode(sample("astronaut")), encode(sample("chelsea"))]
    assert judged(decoder, other(), strangers).reason == "scene_inconclusive", "references of three places"
    bare = np.full((480, 640, 3), 90, np.uint8)
    assert judged(decoder, bare, references).reason == "scene_inconclusive", "a bare wall could be anywhere"


def test_one_place_is_stronger_than_any_two() -> None:
    looks = [look(rgb, engine()) for rgb in (*place()[:2], other(), sample("astronaut"), sample("coffee"))]
    features = [one.features for one in looks]
    assert recognise(features[0], features[1], engine()).strength > 2
    for first in range(1, 5):
        for second in range(first):
            if (second, first) != (0, 1):
                assert recognise(features[first], features[second], engine()).strength < 0.7


@given(st.floats(1, 50), st.floats(1, 3))
def test_a_stronger_match_never_says_less(strength: float, more: float) -> None:
    assert MATCH <= said(strength) <= said(strength * more) <= STRONGEST


def test_the_house_limits_how_many_references_are_opened(decoder: Decoder) -> None:
    many = [encode(other())] * 9
    assert judged(decoder, place()[0], many).facts["references"] == pytest.approx(4)


def test_who_stands_nearer_than_the_reference_did_is_recognised_smaller() -> None:
    left, right, _ = place()
    near = np.asarray(cv2.resize(right[160:400, 230:550], None, fx=2.5, fy=2.5), np.uint8)
    seen, reference = look(near, engine()), look(left, engine())
    plain = recognise(seen.features, reference.features, engine()).strength
    assert recognise(smaller(seen, engine()), reference.features, engine()).strength > 1.5 * plain
    assert smaller(seen, engine()).xy.max() > 500, "places are in the picture's own pixels"


def turned(decoder: Decoder, frames: list[Pixels], reference: Pixels) -> Outcome:
    """The word on a photo that shows little of the place, with what its burst saw."""
    tools = Tools(decoder, EmptyMemory(), engine(), MuteReader(), TrustList())
    evidence = replace(stage.photo(b"x"), references=(encode(reference),))
    shown = tuple(Frame(k / 8, np.ascontiguousarray(rgb)) for k, rgb in enumerate(frames))
    return scene(Case(evidence, tools, picture(frames[0]), frames=shown))


def test_a_phone_that_turns_shows_more_of_the_place(decoder: Decoder) -> None:
    left, right, _ = place()
    away = np.asarray(cv2.resize(other(), (right.shape[1], right.shape[0])), np.uint8)
    wide = np.hstack([away, right])  # the place begins where the first view ends
    step = right.shape[1] // 4
    views = [wide[:, k * step : k * step + right.shape[1]] for k in range(5)]
    assert turned(decoder, views[:1] * 5, left).reason == "scene_inconclusive"
    seen = turned(decoder, views, left)
    assert (seen.reason, seen.llr) == ("scene_matches", MATCH)


def test_what_two_frames_each_half_show_is_seen_whole() -> None:
    """Two narrow views of a place, and neither but both together, are recognised by a wide one."""
    left, right, _ = place()
    width = right.shape[1]
    parts = [right[:, begin : begin + width // 2] for begin in (0, width // 6, width // 3, width // 2)]
    reference = look(left, engine()).features
    photo, *frames = (look(np.ascontiguousarray(part), engine()).features for part in parts)
    wide = widened((photo,), [(frame,) for frame in frames], engine())
    assert wide is not None
    alone = [recognise(one, reference, engine()).strength for one in (photo, *frames)]
    assert recognise(wide, reference, engine()).strength > 1.2 * max(alone)
    assert wide.xy[:, 0].max() > 1.5 * photo.width, "places are in the photograph's pixels"


def test_frames_of_elsewhere_are_not_laid_on_a_photograph() -> None:
    photo, away = (look(rgb, engine()).features for rgb in (place()[0], other()))
    assert widened((photo,), [(away,)], engine()) is None


def test_a_burst_the_photo_is_not_of_is_not_asked(decoder: Decoder) -> None:
    left, right, _ = place()
    tools = Tools(decoder, EmptyMemory(), engine(), MuteReader(), TrustList())
    evidence = replace(stage.photo(b"x"), references=(encode(left),))
    frames = tuple(Frame(k / 8, right) for k in range(5))
    assert scene(Case(evidence, tools, picture(other()), frames=frames)).reason == "scene_inconclusive"
