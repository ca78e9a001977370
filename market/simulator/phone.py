"""A simulated contributor's phone: enrols, finds work near by, shoots, signs, hands in, waits.

    phone = Phone("http://127.0.0.1:8000", Spot(35.6892, 51.3890), seed=1)
    phone.enrol()
    capture = phone.earn(phone.near()[0]["id"], photo, answer=7)

Each step of `earn` is a method, so that tests and `cheats` can take them one by one and bend one.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from typing import Any

import httpx2
import numpy as np
from numpy.typing import NDArray

from core.clock import now, wire
from core.geo import EARTH_RADIUS_M, Spot
from market.simulator.camera import Shot, render
from market.simulator.contributor import Capture, Claim, Clock, Contributor, DeviceKey, Signed, Sleep
from market.simulator.motion import hold, motion_csv, pan
from market.simulator.recorder import record
from market.simulator.sensor import Exif
from verification import burst_file

FRAMES, FPS = 26, 8.0  # of a burst
FILM_FPS = 12.0
WEBM = b"\x1a\x45\xdf\xa3"  # how an EBML file begins


class Phone(Contributor):
    """A person's phone, standing at `spot`. `seed` decides what its camera and its GPS make of it;
    `size` is (width, height) of its pictures."""

    def __init__(
        self,
        server: httpx2.Client | str,
        spot: Spot,
        *,
        seed: int,
        size: tuple[int, int] = (1280, 960),
        clock: Clock = now,
        sleep: Sleep = time.sleep,
    ) -> None:
        super().__init__(server, DeviceKey("ES256"), clock=clock, sleep=sleep)
        self.spot, self.size = spot, size
        self.rng = np.random.default_rng(seed)
        self.reel = b""  # the file of the last shot's burst or film's motion, b"" when there is none

    def enrol(self, **about: Any) -> str:
        """Makes this person's account; returns the device's id."""
        return super().enrol(**{"kind": "phone", "name": "simulated phone", **about})

    def near(self, radius_m: float = 5_000) -> list[dict[str, Any]]:
        """Cards of the bounties around, nearest first."""
        query = {"lat": self.spot.lat, "lon": self.spot.lon, "radius_m": radius_m}
        cards: list[dict[str, Any]] = self.get("/v1/bounties/near", **query)["items"]
        return cards

    def shoot(self, claim: Claim, photo: NDArray[np.uint8], *, held: bool = True) -> Shot:
        """Photographs the scene in `photo`, with the claim's code on a sheet when it has one.

        Where the claim asks for a burst the phone is turned meanwhile as it says; `reel` is its file.
        """
        seed = int(self.rng.integers(2**32))
        exif = Exif(taken_at=self.clock(), spot=self.spot)
        code = claim.code or None
        if not claim.burst:
            self.reel = b""
            return render(photo, code=code, seed=seed, size=self.size, held=held, exif=exif)
        small = (self.size[0] // 4 * 2, self.size[1] // 4 * 2)
        shot = render(
            photo, code=code, seed=seed, size=small, still=self.size, frames=FRAMES, fps=FPS,
            motion=pan(claim.pan), moment=0, held=held, exif=exif,
        )  # fmt: skip
        burst = shot.burst()
        self.reel = burst_file.write(burst.frames, burst.times, burst.motion)
        return shot

    def film(
        self, claim: Claim, photo: NDArray[np.uint8], *, seconds: float = 6.0, codec: str = "h264"
    ) -> bytes:
        """Films the scene in `photo` with a held phone: MP4, or WebM as a browser records it ("vp8").

        What its sensors felt meanwhile goes with it, as a burst without pictures; `reel` is that file.
        """
        seed = int(self.rng.integers(2**32))
        size = (self.size[0] // 4 * 2, self.size[1] // 4 * 2)
        count = round(seconds * FILM_FPS)
        code = claim.code or None
        shot = render(photo, code=code, seed=seed, size=size, frames=count, fps=FILM_FPS, motion=hold)
        mode = "web" if codec.startswith("vp") else "native"
        self.reel = burst_file.write((), (), motion_csv(shot.motion, mode))
        return record(shot.frames, fps=FILM_FPS, codec=codec)

    def fix(self) -> tuple[Spot, float]:
        """Where the phone thinks it is, and its accuracy in metres (95 % radius)."""
        accuracy = float(self.rng.uniform(6, 18))
        north, east = self.rng.normal(0, accuracy / 2.45, 2)
        lat = self.spot.lat + math.degrees(north / EARTH_RADIUS_M)
        lon = self.spot.lon + math.degrees(east / EARTH_RADIUS_M / math.cos(math.radians(lat)))
        return Spot(round(lat, 7), round((lon + 180) % 360 - 180, 7)), round(accuracy, 1)

    def statement(self, claim: Claim, media: bytes, **bent: object) -> str:
        """The text to sign for these bytes; `bent` replaces any of its values."""
        spot, accuracy = self.fix()
        honest: dict[str, object] = {
            "v": 1,
            "kind": claim.kind,
            "claim": claim.id,
            "device": self.device,
            "nonce": claim.nonce,
            "sha256": hashlib.sha256(media).hexdigest(),
            "taken_at": wire(self.clock()),
            "lat": spot.lat,
            "lon": spot.lon,
            "accuracy_m": accuracy,
        }
        if self._brings_reel(claim):
            honest["burst"] = hashlib.sha256(self.reel).hexdigest()
        return json.dumps({**honest, **bent}, separators=(",", ":"))

    def upload(self, claim: Claim, media: bytes) -> str:
        """Sends the media, and the burst where one is asked; returns the media's SHA-256 (hex) as the server
        found it."""
        if self._brings_reel(claim):
            self.put(f"/v1/claims/{claim.id}/burst", self.reel, "application/zip")
        form = "image/jpeg"
        if claim.kind == "video":
            form = "video/webm" if media.startswith(WEBM) else "video/mp4"
        return str(self.put(f"/v1/claims/{claim.id}/media", media, form)["sha256"])

    def _brings_reel(self, claim: Claim) -> bool:
        return claim.burst or (claim.kind == "video" and bool(self.reel))

    def hand_in(self, claim: Claim, signed: Signed, media: bytes, answer: object) -> Capture:
        """Commits, uploads, submits and waits for the verdict."""
        self.commit(claim, signed)
        self.upload(claim, media)
        return self.wait(self.submit(claim, signed, answer))

    def earn(self, bounty: str, photo: NDArray[np.uint8], answer: object, *, held: bool = True) -> Capture:
        """The whole honest walk for one bounty; returns the capture with its verdict."""
        claim = self.claim(bounty)
        is_video = claim.kind == "video"
        media = self.film(claim, photo) if is_video else self.shoot(claim, photo, held=held).jpeg
        return self.hand_in(claim, self.sign(self.statement(claim, media)), media, answer)
