"""The asker's own pictures, handed back as a fresh look; and fresh looks beside them."""

from __future__ import annotations

import random
from dataclasses import replace

import cv2
import numpy as np

from bench.duplicates import crop, jpeg
from market.simulator.sensor import encode, expose, to_light
from tests.fakes.seeing import EmptyMemory, MuteReader
from tests.verification import stage
from tests.verification.eyes import engine, picture, sample
from verification.case import Case, Tools
from verification.checks.handed_back import handed_back
from verification.evidence import Outcome, Status
from verification.picture import Decoder, Pixels
from verification.trust import TrustList


def exposed(seed: int, name: str = "astronaut") -> Pixels:
    """A photograph as a camera takes it, with noise of its own."""
    large = cv2.resize(sample(name)[:384], (1024, 768), interpolation=cv2.INTER_CUBIC)
    soft = np.asarray(cv2.GaussianBlur(large, (0, 0), 1.5), np.uint8)
    return jpeg(expose(to_light(soft), np.random.default_rng(seed)), 92)


def judged(
    decoder: Decoder,
    rgb: Pixels | None,
    *,
    references: tuple[Pixels, ...] = (),
    examples: tuple[Pixels, ...] = (),
    media: bytes = b"x",
) -> Outcome:
    tools = Tools(decoder, EmptyMemory(), engine(), MuteReader(), TrustList())
    given = replace(
        stage.photo(media),
        references=tuple(map(encode, references)),
        examples=tuple(map(encode, examples)),
    )
    return handed_back(Case(given, tools, None if rgb is None else picture(rgb)))


def test_nothing_was_given_along_or_nothing_can_be_seen(decoder: Decoder) -> None:
    assert judged(decoder, exposed(1)).reason == "no_likeness_asked"
    assert judged(decoder, None, references=(exposed(1),)).reason == "no_picture"


def test_the_same_bytes_are_refused_even_without_a_picture(decoder: Decoder) -> None:
    found = judged(decoder, None, examples=(sample("coffee"),), media=encode(sample("coffee")))
    assert (found.status, found.reason) == (Status.HARD_FAIL, "handed_back")


def test_a_part_of_a_reference_or_an_example_is_refused(decoder: Decoder) -> None:
    part = jpeg(crop(exposed(1), 0.1, random.Random(3)), 90)
    for given in ({"references": (sample("coffee"), exposed(1))}, {"examples": (exposed(1),)}):
        found = judged(decoder, part, **given)
        assert (found.status, found.reason) == (Status.HARD_FAIL, "handed_back")


def test_what_lies_on_a_reference_without_proof_is_a_persons_case(decoder: Decoder) -> None:
    found = judged(decoder, exposed(2), references=(exposed(1),))
    assert (found.status, found.reason, found.llr) == (Status.OK, "maybe_handed_back", -2.0)


def test_another_picture_says_nothing_for_the_capture(decoder: Decoder) -> None:
    found = judged(decoder, exposed(2, "chelsea"), references=(exposed(1),), examples=(sample("coffee"),))
    assert (found.status, found.reason) == (Status.ABSTAIN, "not_handed_back")
