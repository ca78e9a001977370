"""Who plays in the demo, with which photographs, and how a cheat's bend is told in words.

The photographs are real ones that come inside the scikit-image and scikit-learn wheels; nothing is
downloaded. Every cheat has its own, so that no picture is a copy of another but by intent.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import httpx2
import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_image

from core.geo import Spot
from market.simulator.camera import render
from market.simulator.contributor import Capture, Claim, Signed
from market.simulator.phone import Phone
from market.simulator.sensor import Exif, encode

Photo = NDArray[np.uint8]
PICTURE = (1024, 768)  # pixels: writing in it can be read; a phone's own are larger and slower to render
SMALL = (640, 480)  # where nothing has to be read

# Mirrors docs/examples/forecast.py: where the agent asks, and in which words.
CAFE = Spot(52.5145, 13.3501)
AIR = "Air temperature on the terrace, and its mean."
BED = "Is the dahlia by the gate in full bloom?"
GATE = "Which word stands on the sign at the gate?"
COUNTER = "How many filled cups stand on the terrace counter?"

REAL_PICTURE = "real photograph (in the scikit-learn wheel); phone and position simulated"
RENDERED = "camera simulated: a hand-held phone before a real photograph"
INSTRUMENT = "thermometer simulated: a slow wave with noise, signed by an Ed25519 key"

PHOTOS: dict[str, Callable[[], Photo]] = {
    "dahlia": lambda: _colour(load_sample_image("flower.jpg")),
    "coffee": lambda: _colour(_sample("coffee")),
    "pagoda": lambda: _colour(load_sample_image("china.jpg")),
    "motorcycle": lambda: _colour(_sample("stereo_motorcycle")[0]),
    "cat": lambda: _colour(_sample("chelsea")),
    "rocket": lambda: _colour(_sample("rocket")),
    "astronaut": lambda: _colour(_sample("astronaut")),
    "cameraman": lambda: _colour(_sample("camera")),
    "bricks": lambda: _colour(_sample("brick")),
    "gravel": lambda: _colour(_sample("gravel")),
}

BENT: dict[str, tuple[str, str]] = {
    "same bytes twice": ("dahlia", "The very file that was paid for a moment ago, signed by another phone."),
    "re-encoded 5 % crop": ("dahlia", "The paid picture, 5 % cut off and re-encoded: no byte is the same."),
    "wrong nonce": ("motorcycle", "Signed for another challenge than this claim's."),
    "wrong place": ("cat", "Taken 40 km from where it was asked for."),
    "edited after signing": ("pagoda", "Signed at the shutter; the colours were pushed afterwards."),
    "stock picture": ("rocket", "A stock picture fed to the camera. No code on paper is in the scene."),
    "late commitment": ("astronaut", "The hash came after the claim's freshness had run out."),
    "forged C2PA authority": ("cameraman", "A manifest by a home-made authority with a maker's name."),
    "somebody else's key": ("gravel", "Right account, another device's key."),
    "replayed statement": ("dahlia", "An earlier claim's statement, signature and picture, word for word."),
}
"""By the cheat's name in `market.simulator.cheats`: its photograph, and what it bends."""

TOLD: dict[str, str] = {
    "copy_of_earlier": "a copy of an earlier capture",
    "wrong_nonce": "signed for another challenge",
    "outside_area": "taken outside the area",
    "media_not_as_signed": "not the picture that was signed",
    "challenge_not_seen": "the code was not seen in the picture",
    "scene_not_confirmed": "the scene was not confirmed",
    "late_commitment": "the commitment came too late",
    "provenance_refused": "its statement of origin is refused",
    "session_refused": "the capture session is refused",
    "BadSignature": "not signed by the enrolled device",
}
"""Public reasons in words; a reason that is not here is shown as it is."""


class Person(Phone):
    """A phone that keeps what it claimed and uploaded last, for the report and for giving a claim up."""

    def __init__(self, server: httpx2.Client, *, seed: int, size: tuple[int, int] = PICTURE) -> None:
        super().__init__(server, CAFE, seed=seed, size=size)
        self.sent, self.claimed = b"", ""

    def claim(self, bounty: str) -> Claim:
        """As `Phone.claim`."""
        claim = super().claim(bounty)
        self.claimed = claim.id
        return claim

    def read_sign(self, bounty: str, photo: Photo, word: str) -> Capture:
        """An honest capture of a sign that says `word`, fixed to what `photo` shows."""
        claim = self.claim(bounty)
        seed = int(self.rng.integers(2**32))
        exif = Exif(taken_at=self.clock(), spot=self.spot)
        media = render(photo, code=word, seed=seed, size=self.size, held=False, exif=exif).jpeg
        return self.hand_in(claim, self.sign(self.statement(claim, media)), media, word)

    def upload(self, claim: Claim, media: bytes) -> str:
        """As `Phone.upload`."""
        self.sent = media
        return super().upload(claim, media)

    def send_photograph(self, bounty: str, photo: Photo, answer: object) -> tuple[Capture, bytes, Signed]:
        """An honest capture whose picture is the photograph itself, as this phone's file."""
        claim = self.claim(bounty)
        media = encode(photo, exif=Exif(taken_at=self.clock(), spot=self.spot))
        signed = self.sign(self.statement(claim, media))
        return self.hand_in(claim, signed, media, answer), media, signed

    def balances(self) -> dict[str, str]:
        """This person's money, decimal strings."""
        said: dict[str, str] = self.get("/v1/me")["balances"]
        return said


def thumbnail(picture: bytes | Photo, width: int = 240) -> str:
    """A small JPEG as a data: URI; "" for no picture."""
    if isinstance(picture, bytes):
        if not picture:
            return ""
        image = Image.open(io.BytesIO(picture)).convert("RGB")
    else:
        image = Image.fromarray(picture)
    image.thumbnail((width, width))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=72, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()


def _sample(name: str) -> Any:
    """A sample of scikit-image, which ships no types."""
    return getattr(skimage.data, name)()


def _colour(picture: Any) -> Photo:
    """sRGB uint8 [h, w, 3]; both sides even, as cameras make them."""
    grey = np.asarray(picture, np.uint8)
    colour = grey if grey.ndim == 3 else np.repeat(grey[..., None], 3, axis=2)
    height, width = colour.shape[:2]
    return np.ascontiguousarray(colour[: height // 2 * 2, : width // 2 * 2, :3])
