"""Parts of films: cut out of one that was handed in before, and known again by what was remembered of it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.db import Database
from core.storage import Storage
from market.simulator.recorder import record
from tests.fakes.seeing import MuteReader
from tests.verification import reels, stage
from tests.verification.eyes import engine, sample
from verification.case import Case, Tools
from verification.checks.decode import decode
from verification.checks.duplicate import duplicate
from verification.evidence import Evidence, Outcome
from verification.film import watch
from verification.matching import pdq
from verification.memory import PictureMemory
from verification.moments import KEPT, moments_of
from verification.picture import Decoder, Pixels
from verification.statement import parse_statement
from verification.trust import TrustList

FPS, SIZE = 12.0, (480, 360)


@lru_cache(maxsize=4)
def pan(name: str) -> tuple[Pixels, ...]:
    """Twelve seconds in which the camera goes from one end of a picture to the other, with seven rests."""
    whole = cv2.resize(sample(name), (1400, 900), interpolation=cv2.INTER_AREA)
    rng, frames = np.random.default_rng(4), []
    for k in range(round(12 * FPS)):
        at = (k // 18 + min(1.0, k % 18 / 12)) / 8
        x, y = round((1400 - SIZE[0]) * at), round(260 + 30 * np.sin(9 * at))
        cut = whole[y : y + SIZE[1], x : x + SIZE[0]] + rng.normal(0, 2, (SIZE[1], SIZE[0], 1))
        frames.append(np.asarray(np.clip(cut, 0, 255), np.uint8))
    return tuple(frames)


def part(name: str) -> bytes:
    """Its first five seconds and a half, smaller and encoded anew."""
    small = [np.asarray(cv2.resize(frame, (400, 300)), np.uint8) for frame in pan(name)[: round(5.5 * FPS)]]
    return record(small, fps=FPS, codec="vp8")


@pytest.fixture
def tools(database: Database, tmp_path: Path, decoder: Decoder) -> Tools:
    return Tools(decoder, memory(database, tmp_path), engine(), MuteReader(), TrustList())


def memory(database: Database, folder: Path) -> PictureMemory:
    return PictureMemory(database, Storage(f"file://{folder}/blobs", bytes(32)), engine())


def submitted(order: int, media: bytes) -> Evidence:
    far = stage.terms("video", bounty=f"bounty {order}")
    evidence = stage.photo(media, say={"kind": "video", "lat": None, "lon": None}, ask=far)
    return replace(evidence, capture=f"cap {order}", order=order)


def remember(tools: Tools, evidence: Evidence) -> None:
    film = watch(tools.decoder, evidence.media)
    tools.memory.remember(evidence, film.key, None, moments_of(film))


def judge(tools: Tools, evidence: Evidence) -> tuple[Outcome, list[str]]:
    remember(tools, evidence)
    case = Case(evidence, tools, statement=parse_statement(evidence.session.statement))
    decode(case)
    outcome = duplicate(case)
    return outcome, [neighbour.capture for neighbour in case.neighbours]


def test_a_part_of_an_earlier_film_is_found_though_its_key_picture_is_not_in_it(tools: Tools) -> None:
    remember(tools, submitted(1, record(pan("coffee"), fps=FPS)))
    outcome, copied = judge(tools, submitted(2, part("coffee")))
    assert (outcome.reason, copied) == ("copy_of_earlier", ["cap 1"])


def test_two_films_of_one_thing_are_no_copies_of_each_other_where_nothing_moves(tools: Tools) -> None:
    def tripod(seed: int) -> bytes:
        rng, still = np.random.default_rng(seed), pan("coffee")[17].astype(np.float32)
        return record(
            [np.clip(still + rng.normal(0, 2, still.shape), 0, 255).astype(np.uint8) for _ in range(60)],
            fps=FPS,
        )

    remember(tools, submitted(1, tripod(1)))
    outcome, copied = judge(tools, submitted(2, tripod(2)))
    assert (outcome.reason, copied) == ("maybe_same_exposure", [])


def test_two_films_of_a_flat_thing_lie_on_each_other_in_many_ways(tools: Tools) -> None:
    """By hand: each moment of the one lies on the other's, but each in its own way."""
    films = [
        record(reels.wander("coffee", seconds=6.0, seed=seed, size=(640, 480)), fps=reels.FPS)
        for seed in (1, 2)
    ]
    remember(tools, submitted(1, films[0]))
    outcome, copied = judge(tools, submitted(2, films[1]))
    assert (outcome.reason, copied) == ("maybe_same_exposure", [])


def test_another_film_is_no_copy_of_it(tools: Tools) -> None:
    remember(tools, submitted(1, record(pan("astronaut"), fps=FPS)))
    outcome, copied = judge(tools, submitted(2, part("coffee")))
    assert (outcome.reason, copied) == ("no_copy_found", [])


def test_a_new_worker_knows_what_was_remembered_and_remembering_twice_is_once(
    tools: Tools, database: Database, tmp_path: Path
) -> None:
    film = submitted(1, record(pan("coffee"), fps=FPS))
    remember(tools, film)
    remember(tools, film)
    restarted = replace(tools, memory=memory(database, tmp_path))
    assert judge(restarted, submitted(2, part("coffee")))[1] == ["cap 1"]


def test_a_film_is_one_of_the_nearest_however_many_of_its_moments_come_near(tools: Tools) -> None:
    film = watch(tools.decoder, record(pan("coffee"), fps=FPS))
    moments = moments_of(film)
    assert 2 <= len(moments) <= KEPT
    for order in (1, 2):
        tools.memory.remember(submitted(order, b"%d" % order), film.key, None, moments)
    views = pdq.query_views(moments[0])
    found = tools.memory.nearest(views, 3, 8)
    assert [(past.capture, past.picture, past.distance) for past in found] == [
        ("cap 1", 1, 0),
        ("cap 2", 1, 0),
    ]
    assert [past.capture for past in tools.memory.nearest(views, 2, 8)] == ["cap 1"]
    assert tools.memory.nearest(views, 1, 8) == []
    assert len(tools.memory.nearest(views, 3, 1)) == 1
    assert tools.memory.look_of("cap 1", 1) is not None
    assert tools.memory.look_of("cap 1", 60) is None
