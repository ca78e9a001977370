"""The named cheats of the demo: an honest phone with one step bent.

    for cheat in CHEATS:
        attempt = play(cheat, Stage(phone, bounty, photo, loot=loot))
        assert not attempt.paid

Each is tried on an open photo bounty of at least its tier at the phone's place. What the market is
expected to say is in the registry: a public reason of the rejected capture or, where the server
refuses the call itself, the code of its problem document.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from core.geo import Spot
from market.simulator.contributor import Capture, Claim, DeviceKey, Refused, Signed
from market.simulator.credentials import Authority, sign_c2pa
from market.simulator.phone import Phone

ELSEWHERE_DEG = 0.36  # of latitude: 40 km
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Loot:
    """An honest capture that was accepted earlier: its bytes and what was signed for them."""

    media: bytes
    signed: Signed


@dataclass(frozen=True, slots=True)
class Stage:
    """What a cheat has to work with.

    Attributes:
        phone: the cheat's enrolled phone, standing at the bounty.
        bounty: an open photo bounty that the phone can claim.
        photo: a scene nobody has handed in yet, uint8 [h, w, 3].
        answer: one that fits the bounty's schema.
        loot: an accepted capture; of this same phone for `replayed_statement` (its key signed it),
            of anybody for the copies. None where the cheat needs none.
        forger: authority for `forged_c2pa`, such as `credentials.forge(trusted_root)`.
    """

    phone: Phone
    bounty: str
    photo: NDArray[np.uint8]
    answer: object = None
    loot: Loot | None = None
    forger: Authority | None = None


@dataclass(frozen=True, slots=True)
class Cheat:
    """A cheat's entry in the registry.

    Attributes:
        tier: the lowest tier of bounty at which the market must refuse it.
        reason: expected among the capture's public reasons, or the problem code when no capture is made.
        needs: fields of Stage it cannot do without.
    """

    name: str
    tier: int
    reason: str
    run: Callable[[Stage], Capture]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """How it went: the capture's final state, or the problem code with which the server refused."""

    cheat: str
    capture: Capture | None
    refused: str = ""

    @property
    def paid(self) -> bool:
        """Whether the cheat got away with it: accepted, or money on the way."""
        return self.capture is not None and (
            self.capture.status == "accepted" or self.capture.paid is not None
        )

    @property
    def reasons(self) -> tuple[str, ...]:
        """What the market said, whichever way."""
        return self.capture.reasons if self.capture else (self.refused,)


def play(cheat: Cheat, stage: Stage) -> Attempt:
    """Tries a cheat to its end.

    Raises:
        ValueError: the stage lacks something the cheat needs.
    """
    missing = [name for name in cheat.needs if getattr(stage, name) is None]
    if missing:
        raise ValueError(f"{cheat.name} needs {missing}")
    try:
        return Attempt(cheat.name, cheat.run(stage))
    except Refused as no:
        return Attempt(cheat.name, None, no.code or str(no.status))


def earn_loot(phone: Phone, bounty: str, photo: NDArray[np.uint8], answer: object) -> tuple[Capture, Loot]:
    """An honest capture, and what a cheat keeps of it for later."""
    claim = phone.claim(bounty)
    media = phone.shoot(claim, photo).jpeg
    signed = phone.sign(phone.statement(claim, media))
    return phone.hand_in(claim, signed, media, answer), Loot(media, signed)


def same_bytes(stage: Stage) -> Capture:
    """The very file that was paid for before, honestly signed for a new claim."""
    return _hand_in(stage, stage.phone.claim(stage.bounty), _loot(stage).media)


def cropped_copy(stage: Stage) -> Capture:
    """A paid picture again, cropped to 95 % of its sides and re-encoded: no hash knows it."""
    claim = stage.phone.claim(stage.bounty)
    picture = Image.open(io.BytesIO(_loot(stage).media))
    width, height = picture.size
    left, top = (int(stage.phone.rng.uniform(0, 0.05) * side) for side in (width, height))
    box = (left, top, left + int(0.95 * width), top + int(0.95 * height))
    return _hand_in(stage, claim, _jpeg(picture.crop(box), 85))


def wrong_nonce(stage: Stage) -> Capture:
    """A statement made for another challenge than the claim's."""
    claim = stage.phone.claim(stage.bounty)
    return _hand_in(stage, claim, stage.phone.shoot(claim, stage.photo).jpeg, nonce=secrets.token_hex(32))


def wrong_place(stage: Stage) -> Capture:
    """The phone tells the truth about where it is: 40 km from where it was asked to be."""
    claim = stage.phone.claim(stage.bounty)
    lat = stage.phone.spot.lat
    away = Spot(lat - ELSEWHERE_DEG if lat > 0 else lat + ELSEWHERE_DEG, stage.phone.spot.lon)
    media = stage.phone.shoot(claim, stage.photo).jpeg
    return _hand_in(stage, claim, media, lat=round(away.lat, 7), lon=away.lon)


def edited_after_signing(stage: Stage) -> Capture:
    """The statement is signed at the shutter, the picture retouched afterwards."""
    phone = stage.phone
    claim = phone.claim(stage.bounty)
    media = phone.shoot(claim, stage.photo).jpeg
    signed = phone.sign(phone.statement(claim, media))
    retouched = ImageEnhance.Color(Image.open(io.BytesIO(media))).enhance(1.4)
    return phone.hand_in(claim, signed, _jpeg(retouched, 92), stage.answer)


def stock_picture(stage: Stage) -> Capture:
    """A stock picture fed to the camera in a valid session: everything is right but the code's absence."""
    claim = stage.phone.claim(stage.bounty)
    return _hand_in(stage, claim, _without_code(stage, claim))


def late_commitment(stage: Stage) -> Capture:
    """Time taken to prepare: the commitment comes after the claim's freshness has run out.

    Raises:
        ValueError: the claim allows more than two minutes; post the bounty with a short max_freshness_s.
    """
    phone = stage.phone
    claim = phone.claim(stage.bounty)
    if claim.max_freshness_s > PATIENCE_S:
        raise ValueError(
            f"not going to wait {claim.max_freshness_s:.0f} s; post with a short max_freshness_s"
        )
    media = phone.shoot(claim, stage.photo).jpeg
    spent = (phone.clock() - claim.issued_at).total_seconds()
    phone.sleep(max(0.0, claim.max_freshness_s - spent) + 0.5)
    return _hand_in(stage, claim, media)


def forged_c2pa(stage: Stage) -> Capture:
    """A stock picture with a manifest from an authority that only bears a trusted one's names."""
    claim = stage.phone.claim(stage.bounty)
    if stage.forger is None:
        raise ValueError("this cheat needs a forger")
    return _hand_in(stage, claim, sign_c2pa(_without_code(stage, claim), stage.forger))


def borrowed_key(stage: Stage) -> Capture:
    """Somebody with the account's API key, but not the device: another key signs."""
    phone = stage.phone
    claim = phone.claim(stage.bounty)
    media = phone.shoot(claim, stage.photo).jpeg
    statement = phone.statement(claim, media)
    own, phone.key = phone.key, DeviceKey("ES256")
    try:
        signed = phone.sign(statement)
    finally:
        phone.key = own
    return phone.hand_in(claim, signed, media, stage.answer)


def replayed_statement(stage: Stage) -> Capture:
    """Statement, signature and media of an earlier claim, word for word, for a new one."""
    claim, loot = stage.phone.claim(stage.bounty), _loot(stage)
    return stage.phone.hand_in(claim, loot.signed, loot.media, stage.answer)


CHEATS: tuple[Cheat, ...] = (
    Cheat("same bytes twice", 0, "copy_of_earlier", same_bytes, ("loot",)),
    Cheat("re-encoded 5 % crop", 0, "copy_of_earlier", cropped_copy, ("loot",)),
    Cheat("wrong nonce", 0, "wrong_nonce", wrong_nonce),
    Cheat("edited after signing", 0, "media_not_as_signed", edited_after_signing),
    Cheat("stock picture", 1, "challenge_not_seen", stock_picture),
    Cheat("late commitment", 0, "late_commitment", late_commitment),
    Cheat("forged C2PA authority", 0, "provenance_refused", forged_c2pa, ("forger",)),
    Cheat("somebody else's key", 0, "BadSignature", borrowed_key),
    Cheat("replayed statement", 0, "session_refused", replayed_statement, ("loot",)),
    # Last: an honest capture soon afterwards would be an impossible journey for this account.
    Cheat("wrong place", 0, "outside_area", wrong_place),
)


def _hand_in(stage: Stage, claim: Claim, media: bytes, **bent: object) -> Capture:
    """The honest rest of the walk, with these values of the statement replaced.

    A cheat that shot nothing still has to film something where a burst is asked.
    """
    phone = stage.phone
    if claim.burst and not phone.reel:
        phone.shoot(claim, stage.photo)
    return phone.hand_in(claim, phone.sign(phone.statement(claim, media, **bent)), media, stage.answer)


def _without_code(stage: Stage, claim: Claim) -> bytes:
    """The stock picture as the phone's camera pipeline renders it, with no sheet in it."""
    return stage.phone.shoot(replace(claim, code=""), stage.photo).jpeg


def _loot(stage: Stage) -> Loot:
    if stage.loot is None:
        raise ValueError("this cheat needs loot")
    return stage.loot


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()
