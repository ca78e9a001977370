"""Camera link: simulated sensors of 1 % non-uniformity are told apart; a painted fingerprint is not."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from sqlalchemy import update

from core.accounts.tables import Account
from core.db import Database
from core.storage import Storage
from tests.assets.build import encoded, make, scene
from tests.fakes.seeing import BlindEngine, EmptyMemory
from tests.verification import screens, stage
from tests.verification.eyes import sample
from verification.case import Case
from verification.checks.camera_link import camera_link
from verification.evidence import Evidence, Outcome, Status
from verification.measures import prnu
from verification.memory import PictureMemory
from verification.picture import Decoder, Grain

FRAME = "1024x1024"


@lru_cache(maxsize=4)
def sensor(number: int) -> screens.Floats:
    """A camera: each photosite's gain, 1 % about 1."""
    rng = np.random.default_rng(1_000 + number)
    return (1 + 0.01 * rng.normal(0, 1, (1024, 1024))).astype(np.float32)


@lru_cache(maxsize=16)
def shot(camera: int, number: int) -> bytes:
    """The camera's picture of one of eight scenes, as a JPEG."""
    scenery = sample(("astronaut", "coffee", "chelsea", "rocket")[number % 4])
    light = screens.linear(scenery[:, :: -1 if number >= 4 else 1])
    light = cv2.resize(light, (1024, 1024), interpolation=cv2.INTER_CUBIC).clip(0, 1).astype(np.float32)
    rng = np.random.default_rng(100 * camera + number)
    return screens.jpeg(screens.camera(light, rng, sensor(camera), 0.006), 90)


def printed(decoder: Decoder, media: bytes) -> bytes:
    found = prnu.noise_print(decoder.grain(media))
    assert found is not None
    return found.packed


@dataclass
class Prints(EmptyMemory):
    """A memory of prints alone."""

    own: Sequence[bytes] = ()
    refused: Sequence[list[bytes]] = ()

    def prints(self, account: str, frame: str, before_order: int, limit: int) -> list[bytes]:
        return list(self.own[:limit]) if frame == FRAME else []

    def refused_prints(
        self, account: str, frame: str, before_order: int, accounts: int, limit: int
    ) -> list[list[bytes]]:
        return list(self.refused[:accounts])


def judged(
    decoder: Decoder, media: bytes, own: Sequence[bytes] = (), refused: Sequence[list[bytes]] = ()
) -> Outcome:
    tools = replace(stage.tools(decoder), memory=Prints(own=own, refused=refused))
    return camera_link(Case(stage.photo(media), tools))


@pytest.fixture(scope="module")
def earlier(decoder: Decoder) -> list[bytes]:
    return [printed(decoder, shot(0, number)) for number in range(4)]


def test_the_same_camera(decoder: Decoder, earlier: list[bytes]) -> None:
    outcome = judged(decoder, shot(0, 5), earlier)
    assert (outcome.status, outcome.reason, outcome.llr) == (Status.OK, "same_camera", 0.4)


@pytest.mark.parametrize("camera", [1, 2])
def test_another_camera(decoder: Decoder, earlier: list[bytes], camera: int) -> None:
    outcome = judged(decoder, shot(camera, 5), earlier)
    assert (outcome.reason, outcome.llr) == ("another_camera", -0.6), outcome


def test_a_refused_accounts_camera_comes_back(decoder: Decoder, earlier: list[bytes]) -> None:
    assert judged(decoder, shot(0, 5), refused=[earlier]).reason == "camera_of_refused_account"
    assert judged(decoder, shot(1, 5), refused=[earlier]).reason == "too_few_earlier"


def test_a_painted_fingerprint_beats_the_camera(decoder: Decoder, earlier: list[bytes]) -> None:
    """The known limit: a cheat with four of the victim's pictures scores as high as the victim."""
    rgb = np.asarray(Image.open(io.BytesIO(shot(1, 5)))).astype(np.float32)
    pattern = prnu.fingerprint(earlier)
    painted = np.clip(rgb * (1 + 0.02 * pattern[..., None]), 0, 255).astype(np.uint8)
    forged, own = judged(decoder, screens.jpeg(painted), earlier), judged(decoder, shot(0, 5), earlier)
    assert forged.reason == "same_camera"
    assert float(str(forged.facts["pce"])) > float(str(own.facts["pce"]))


def test_few_or_foreign_pictures_say_nothing(decoder: Decoder, earlier: list[bytes]) -> None:
    assert judged(decoder, shot(0, 5), earlier[:2]).reason == "too_few_earlier"
    mixed = [printed(decoder, shot(camera, camera)) for camera in (1, 2, 3)]
    assert judged(decoder, shot(0, 5), mixed).reason == "earlier_pictures_disagree"


def test_between_the_thresholds_nothing_is_said(
    decoder: Decoder, earlier: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prnu, "pce", lambda pattern, found: 30.0)
    assert judged(decoder, shot(0, 5), earlier).reason == "camera_unclear"


def test_no_noise_to_read(decoder: Decoder) -> None:
    black = Image.new("RGB", (1100, 1100), (3, 3, 3))
    level = Image.new("RGB", (1100, 1100), (90, 90, 90))
    for media in (encoded(scene(800, 900)), encoded(black), encoded(level)):
        assert judged(decoder, media).reason == "no_noise_to_read"
    assert judged(decoder, make("text.jpg")).reason == "no_picture"


def test_a_print_keeps_what_two_bits_can() -> None:
    rng = np.random.default_rng(0)
    plane = rng.integers(60, 200, (1024, 1024, 3), dtype=np.uint8)
    grain = Grain("PNG", 1024, 1024, 0, 0, plane, ())
    found, kept = prnu.residual(grain), prnu.noise_print(grain)
    assert found is not None
    assert kept is not None
    assert len(kept.packed) == 1024 * 1024 // 4
    assert np.corrcoef(found.ravel(), prnu.unpacked(kept.packed).ravel())[0, 1] > 0.9


def test_memory_answers_from_earlier_orders_and_frozen_accounts(database: Database, tmp_path: Path) -> None:
    memory = PictureMemory(database, Storage(f"file://{tmp_path}/blobs", bytes(32)), BlindEngine())
    with database.transaction() as session:
        for name in ("ann", "bob", "cyd"):
            session.add(Account(id=name, kind="contributor", name=name, created_at=stage.NOON))
    for order, account in enumerate(("ann", "bob", "bob", "cyd"), start=1):
        memory.remember(_by(account, order), None, prnu.NoisePrint(FRAME, bytes([order])))
        memory.remember(_by(account, order), None, prnu.NoisePrint(FRAME, b"twice"))
    assert memory.prints("bob", FRAME, 9, 5) == [b"\3", b"\2"]
    assert memory.prints("bob", FRAME, 9, 1) == [b"\3"]
    assert memory.prints("bob", FRAME, 3, 5) == [b"\2"]
    assert memory.prints("bob", "8x8", 9, 5) == []
    assert memory.refused_prints("ann", FRAME, 9, 3, 5) == []
    with database.transaction() as session:
        session.execute(update(Account).where(Account.id.in_(["bob", "cyd"])).values(status="frozen"))
    assert memory.refused_prints("ann", FRAME, 9, 3, 5) == [[b"\4"], [b"\3", b"\2"]]
    assert memory.refused_prints("ann", FRAME, 9, 1, 5) == [[b"\4"]]
    assert memory.refused_prints("bob", FRAME, 9, 3, 5) == [[b"\4"]], "its own are no evidence of another"
    assert memory.refused_prints("ann", FRAME, 3, 3, 5) == [[b"\2"]]


def _by(account: str, order: int) -> Evidence:
    evidence = stage.photo(f"{order}".encode())
    session = replace(evidence.session, account=account)
    return replace(evidence, capture=f"cap {order}", order=order, session=session)
