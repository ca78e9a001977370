"""Each cheat bends exactly the step it is named for, and nothing else of the formats."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import datetime, timedelta

import c2pa
import numpy as np
import pytest
from cryptography.exceptions import InvalidSignature
from PIL import Image

from core.geo import Spot, distance_m
from market.simulator import cheats
from market.simulator.cheats import CHEATS, Attempt, Loot, Stage, play
from market.simulator.credentials import Authority, forge, new_authority, sign_c2pa
from market.simulator.phone import Phone
from tests.market.simulator_server import BOUNTY, STARTED, Recorder
from tests.market.test_simulator_phone import check_statement

PHOTO = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
SPOT = Spot(35.6892, 51.3890)
BY_RUN = {cheat.run: cheat for cheat in CHEATS}


class Scene:
    """A phone whose clock its own sleep moves, an earlier accepted capture, and a recorder."""

    def __init__(self, code: str = "") -> None:
        self.now = STARTED
        self.recorder = Recorder(code=code)
        self.phone = Phone(
            self.recorder.client(), SPOT, seed=1, size=(320, 240), clock=self.clock, sleep=self.sleep
        )
        self.phone.enrol()
        _, self.loot = cheats.earn_loot(self.phone, BOUNTY, PHOTO, None)
        self.recorder.nonce = "cd" * 32
        self.root = new_authority("Acme", "Acme Root 1")

    def clock(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def play(self, run: object) -> Attempt:
        stage = Stage(self.phone, BOUNTY, PHOTO, None, self.loot, forge(self.root.root_pem))
        return play(BY_RUN[run], stage)  # type: ignore[index]

    @property
    def media(self) -> bytes:
        return self.recorder.sent("media")[-1].content


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_the_registry_names_each_cheat_once() -> None:
    assert len({cheat.name for cheat in CHEATS}) == len(BY_RUN) == len(CHEATS) == 10
    assert all(cheat.tier in {0, 1} and cheat.reason for cheat in CHEATS)


def test_same_bytes(scene: Scene) -> None:
    scene.play(cheats.same_bytes)
    assert scene.media == scene.loot.media
    assert check_statement(scene.recorder)["nonce"] == "cd" * 32


def test_cropped_copy(scene: Scene) -> None:
    scene.play(cheats.cropped_copy)
    before, after = (Image.open(io.BytesIO(jpeg)).size for jpeg in (scene.loot.media, scene.media))
    assert after == (int(0.95 * before[0]), int(0.95 * before[1]))
    assert check_statement(scene.recorder)["sha256"] == hashlib.sha256(scene.media).hexdigest()


def test_wrong_nonce(scene: Scene) -> None:
    scene.play(cheats.wrong_nonce)
    nonce = check_statement(scene.recorder)["nonce"]
    assert len(nonce) == 64
    assert nonce != "cd" * 32


def test_wrong_place(scene: Scene) -> None:
    scene.play(cheats.wrong_place)
    statement = check_statement(scene.recorder)
    assert 39_000 < distance_m(SPOT, Spot(statement["lat"], statement["lon"])) < 41_000


def test_edited_after_signing(scene: Scene) -> None:
    scene.play(cheats.edited_after_signing)
    assert check_statement(scene.recorder)["sha256"] != hashlib.sha256(scene.media).hexdigest()
    assert Image.open(io.BytesIO(scene.media)).size == (320, 240)


def test_stock_picture_has_no_sheet_though_a_code_was_asked() -> None:
    grey = np.full((90, 120, 3), 60, np.uint8)
    asked = Scene(code="K7P3QX")
    stage = Stage(asked.phone, BOUNTY, grey)
    play(BY_RUN[cheats.stock_picture], stage)
    stock = np.asarray(Image.open(io.BytesIO(asked.media)).convert("L"))
    honest = np.asarray(
        Image.open(io.BytesIO(asked.phone.shoot(asked.phone.claim(BOUNTY), grey).jpeg)).convert("L")
    )
    assert stock.max() < 100 < honest.max()
    check_statement(asked.recorder)


def test_late_commitment(scene: Scene) -> None:
    scene.play(cheats.late_commitment)
    assert scene.now - STARTED > timedelta(seconds=scene.recorder.max_freshness_s)
    check_statement(scene.recorder)


def test_late_commitment_does_not_wait_for_ever(scene: Scene) -> None:
    scene.recorder.max_freshness_s = 3600
    with pytest.raises(ValueError, match="max_freshness_s"):
        scene.play(cheats.late_commitment)


def test_borrowed_key(scene: Scene) -> None:
    own = scene.phone.key
    scene.play(cheats.borrowed_key)
    with pytest.raises(InvalidSignature):
        check_statement(scene.recorder)
    assert scene.phone.key is own


def test_replayed_statement(scene: Scene) -> None:
    scene.play(cheats.replayed_statement)
    assert check_statement(scene.recorder)["nonce"] == "ab" * 32
    assert scene.media == scene.loot.media


def state(jpeg: bytes, trusted: Authority) -> str:
    """What c2pa-rs makes of a file when it trusts that authority's root."""
    settings = {
        "trust": {"user_anchors": trusted.root_pem.decode()},
        "verify": {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
    }
    with c2pa.Reader("image/jpeg", io.BytesIO(jpeg), context=c2pa.Context.from_dict(settings)) as reader:
        return str(reader.get_validation_state())


def test_a_forged_authority_is_valid_but_not_trusted(scene: Scene) -> None:
    scene.play(cheats.forged_c2pa)
    assert state(scene.media, scene.root) == "Valid"
    assert state(sign_c2pa(scene.loot.media, scene.root), scene.root) == "Trusted"
    assert check_statement(scene.recorder)["sha256"] == hashlib.sha256(scene.media).hexdigest()


def test_a_refused_call_is_an_attempt_that_failed(scene: Scene) -> None:
    scene.recorder.refuse["commitment"] = (400, "BadSignature")
    attempt = scene.play(cheats.borrowed_key)
    assert (attempt.capture, attempt.reasons, attempt.paid) == (None, ("BadSignature",), False)


def test_a_cheat_without_its_means_is_an_error(scene: Scene) -> None:
    with pytest.raises(ValueError, match="loot"):
        play(BY_RUN[cheats.same_bytes], Stage(scene.phone, BOUNTY, PHOTO))
    signed = scene.phone.sign(json.dumps({}))
    assert Loot(b"", signed).signed is signed
