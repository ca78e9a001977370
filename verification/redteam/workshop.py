"""What a family makes its samples with: a seeded source of chance, a photograph, a phone, a claim.

    shot = workshop.shoot()                    # an honest picture, code and burst as the tier asks
    evidence = workshop.evidence(shot)         # honestly signed, in time, in the asked place
    return workshop.sample(evidence)

A cheat bends one step of that. Everything is signed for real; the server's record is what the market
would have written. The same seed gives the same bytes, but for C2PA signatures, which are salted.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from core.accounts.rules import statement_message
from core.clock import wire
from core.geo import EARTH_RADIUS_M, Area, Spot
from market.simulator.contributor import DeviceKey
from market.simulator.motion import Motion, hold, pan
from market.simulator.scene import Scene
from verification.checks.sun import light
from verification.codes import ALPHABET, LENGTH
from verification.context import Context, Earlier
from verification.evidence import Burst, Evidence, Json, Session, Standing, Terms, Verdict
from verification.policy import PHOTO_TIERS
from verification.redteam.lens import FPS, FRAMES, Camera, Shot, cut, finish, still
from verification.redteam.photographs import Photograph, Pixels, Shelf

STAKES = (500_000, 5_000_000, 20_000_000)  # micro-dollars of a bounty of tier 0, 1, 2
GIVEN = 4  # photographs of a place that an asker gives at most
_ASK = "Photograph the place as it is now. Can one walk through?"
_BOOLEAN: Mapping[str, Json] = {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What whoever tries again may see: the verdict and its reasons (finer than the public ones)."""

    verdict: Verdict
    reasons: tuple[str, ...]


Oracle = Callable[[Context], Reply]


@dataclass(frozen=True, slots=True)
class Sample:
    """One capture of a family.

    Attributes:
        answer_right: the truth of the evidence's answer; None when it has none.
        tries: how many captures it took an adaptive cheat.
        note: the parameters that were drawn, for whoever looks at it.
    """

    context: Context
    answer_right: bool | None = None
    tries: int = 1
    note: str = ""


@dataclass(slots=True)
class Workshop:
    """One sample in the making.

    Attributes:
        base: the photograph that stands for the scene.
        shelf: all photographs of the split.
        split: "calibration" or "reported"; the phones' parameters are disjoint.
        mode: "web" (a page's capture: no EXIF) or "native" (the camera app's file).
        tier: of the bounty.
        oracle: examines a context, for adaptive families.
    """

    rng: np.random.Generator
    base: Photograph
    shelf: Shelf
    split: str
    mode: str
    tier: int
    oracle: Oracle
    key: DeviceKey = field(init=False)
    place: Spot = field(init=False)
    issued_at: datetime = field(init=False)
    code: str = field(init=False)
    pan: str = field(init=False)
    camera: Camera = field(init=False)

    def __post_init__(self) -> None:
        self.key = DeviceKey("ES256", self.rng.bytes(32))
        self.place = Spot(round(self.rng.uniform(-55, 60), 6), round(self.rng.uniform(-170, 170), 6))
        self.issued_at = _daytime(self.base.rgb, self.place, self.rng)
        self.code = self.pan = ""
        self.challenge()
        self.camera = Camera.draw(self.rng, self.split)

    # -- chance --------------------------------------------------------------------------------

    def new_code(self) -> str:
        """Six characters as the market would ask for."""
        return "".join(ALPHABET[int(i)] for i in self.rng.integers(len(ALPHABET), size=LENGTH))

    def challenge(self) -> None:
        """What a new claim asks for: at tier 1 a code in the scene, two turns of the phone and a step."""
        if self.tier >= 1:
            self.code = self.new_code()
            self.pan = "".join(self.rng.choice(list("LRUD"), 2, replace=False)) + self._side()

    def token(self, prefix: str) -> str:
        """An id of the project's form."""
        letters = "0123456789abcdefghjkmnpqrstvwxyz"
        return f"{prefix}_" + "".join(letters[int(i)] for i in self.rng.integers(32, size=26))

    def other(self) -> Photograph:
        """Another photograph of the split, of another scene."""
        held = [
            p for p in self.shelf.real if p.id != self.base.id and (not p.group or p.group != self.base.group)
        ]
        return held[int(self.rng.integers(len(held)))]

    def made(self) -> Photograph:
        """A generated still of the split, which becomes the base."""
        self.stand_before(self.shelf.ai[int(self.rng.integers(len(self.shelf.ai)))])
        return self.base

    def stand_before(self, photo: Photograph) -> None:
        """Makes another photograph the base, at an hour that suits it."""
        self.base = photo
        self.issued_at = _daytime(photo.rgb, self.place, self.rng)

    def another_view(self) -> Photograph:
        """Stands before one photograph of a place that has several; another of that place."""
        names = sorted(self.shelf.places)
        views = self.shelf.places[names[int(self.rng.integers(len(names)))]]
        first, second = self.rng.permutation(len(views))[:2]
        self.stand_before(views[int(second)])
        return views[int(first)]

    def given_views(self) -> tuple[Photograph, ...]:
        """Stands before one photograph of a place that has several; of the others those, four at most and in
        no order, that an asker who knows the place may give."""
        names = sorted(self.shelf.places)
        views = self.shelf.places[names[int(self.rng.integers(len(names)))]]
        first, *others = (views[int(k)] for k in self.rng.permutation(len(views)))
        self.stand_before(first)
        return tuple(others[:GIVEN])

    def other_order(self) -> str:
        """Turns and a step that are not those asked for."""
        while True:
            order = "".join(self.rng.choice(list("LRUD"), 2)) + self._side()
            if order != self.pan:
                return order

    def _side(self) -> str:
        """Of a step: left or right."""
        return str(self.rng.choice(["<", ">"]))

    # -- pictures ------------------------------------------------------------------------------

    def move(self, order: str | None = None) -> Motion:
        """A hand that moves the phone as the claim asks (as `order` asks, where told), else holds it."""
        asked = self.pan if order is None else order
        return (pan(asked) if asked else hold)(FRAMES, FPS, self.rng)

    def shoot(
        self, scene: Scene | None = None, *, code: str | None = None, motion: Motion | None = None
    ) -> Shot:
        """An honest phone before `scene` (the base with depth unless told), at tier 1 with a burst.

        Args:
            code: written on a sheet held into the scene; "" for no sheet; the claim's unless told.
            motion: of the hand; as the claim asks unless told.
        """
        seen = scene or self.camera.relief(self.base.rgb)
        sheet = self.camera.sheet(self.code if code is None else code, self.rng)
        if self.tier == 0:
            return self.camera.photo(seen, motion or hold(1, FPS, self.rng), self.rng, sheet)
        return self.camera.film(seen, motion or self.move(), self.rng, sheet)

    def still(self) -> Shot:
        """An honest picture of the base without sheet and burst; quick, for all families share it."""
        return Shot(still(self.base))

    def photo_of(self, photo: Photograph) -> Pixels:
        """A photo of another scene by the same phone."""
        scene = self.camera.relief(photo.rgb)
        return self.camera.photo(scene, hold(1, FPS, self.rng), self.rng).rgb

    def photograph(self, photo: Photograph) -> Pixels:
        """A photograph at the size of a capture, as whoever found it would send it."""
        return cut(photo)

    def jpeg(self, rgb: Pixels) -> bytes:
        """The file of a picture uint8[h, w, 3]: the same writer for the honest and everybody else."""
        return finish(
            rgb, self.mode, self.camera, self.rng, self.issued_at + timedelta(seconds=7), self.place
        )

    # -- paper ---------------------------------------------------------------------------------

    def terms(self, **changes: object) -> Terms:
        """The ask: a disc of 50, 150 or 400 m near whose middle the phone stands."""
        radius = float(self.rng.choice([50.0, 150.0, 400.0]))
        centre = _moved(self.place, self.rng.uniform(0.1, 0.6) * radius, self.rng.uniform(0, 2 * math.pi))
        honest = Terms(
            bounty=self.token("bty"),
            kind="photo",
            tier=self.tier,
            required=PHOTO_TIERS[self.tier],
            area=Area.disc(centre.lat, centre.lon, radius),
            opens_at=self.issued_at - timedelta(hours=2),
            closes_at=self.issued_at + timedelta(hours=8),
            ask=_ASK,
            answer_schema=_BOOLEAN,
            stake_micros=STAKES[self.tier],
        )
        return replace(honest, **changes)  # type: ignore[arg-type]

    def fix(self) -> tuple[Spot, float]:
        """Where the phone thinks it is, and its accuracy in metres (95 % radius)."""
        accuracy = float(self.rng.uniform(5, 20))
        away = abs(self.rng.normal(0, accuracy / 2.45))
        return _moved(self.place, away, self.rng.uniform(0, 2 * math.pi)), round(accuracy, 1)

    def evidence(
        self,
        shot: Shot | bytes,
        *,
        say: Mapping[str, Json] | None = None,
        text: str | None = None,
        key: DeviceKey | None = None,
        terms: Terms | None = None,
        session: Mapping[str, object] | None = None,
        burst: Burst | None = None,
    ) -> Evidence:
        """The evidence of a shot (or of bare media), signed by the enrolled phone.

        Args:
            say: replaces values of the statement before it is signed; None takes a key away.
            text: the whole statement instead.
            key: signs in place of the enrolled one.
            session: replaces values of the server's record.
            burst: replaces the shot's.
        """
        media = shot if isinstance(shot, bytes) else self.jpeg(shot.rgb)
        felt = burst or (None if isinstance(shot, bytes) else shot.burst(self.mode))
        sha256 = hashlib.sha256(media).hexdigest()
        asked = terms or self.terms()
        claim, device, nonce = self.token("clm"), self.token("dev"), self.rng.bytes(32).hex()
        waited = float(self.rng.gamma(3.0, 6.0)) + 4
        spot, accuracy = self.fix()
        said: dict[str, Json] = {
            "v": 1,
            "kind": "photo",
            "claim": claim,
            "device": device,
            "nonce": nonce,
            "sha256": sha256,
            "taken_at": wire(self.issued_at + timedelta(seconds=waited - 1)),
            "lat": spot.lat,
            "lon": spot.lon,
            "accuracy_m": accuracy,
            **(say or {}),
        }
        statement = text or json.dumps({name: value for name, value in said.items() if value is not None})
        recorded = self._session(statement, key or self.key, claim, device, nonce, waited, session or {})
        return Evidence(
            capture=self.token("cap"),
            order=1_000,
            terms=asked,
            session=recorded,
            media=media,
            media_sha256=sha256,
            answer=bool(self.rng.integers(2)),
            burst=felt,
            standing=self.standing(),
        )

    def _session(
        self,
        statement: str,
        key: DeviceKey,
        claim: str,
        device: str,
        nonce: str,
        waited: float,
        changes: Mapping[str, object],
    ) -> Session:
        commitment = hashlib.sha256(statement.encode()).digest()
        honest = Session(
            claim=claim,
            account=self.token("acc"),
            device=device,
            device_revoked=False,
            algorithm=self.key.algorithm,
            public_key=self.key.public_key,
            nonce=nonce,
            code=self.code,
            pan=self.pan,
            issued_at=self.issued_at,
            deadline=self.issued_at + timedelta(minutes=30),
            max_freshness_s=600.0,
            commitment=commitment,
            committed_at=self.issued_at + timedelta(seconds=waited),
            statement=statement,
            signature=key.sign(statement_message(commitment)),
            submitted_at=self.issued_at + timedelta(seconds=waited + float(self.rng.uniform(2, 40))),
        )
        return replace(honest, **changes)  # type: ignore[arg-type]

    def standing(self) -> Standing:
        """An account's past; cheats buy or build theirs, so all are drawn alike."""
        age = float(self.rng.gamma(1.5, 60.0))
        accepted = int(self.rng.poisson(age / 8))
        return Standing(round(age, 1), accepted, int(self.rng.poisson(0.02 * accepted)))

    # -- hand in -------------------------------------------------------------------------------

    def earlier(self, media: bytes, *, account: str = "", near: bool = True, minutes: float = 0) -> Earlier:
        """A capture handed in before, here or (`near` False) some thousand kilometres away."""
        ago = timedelta(minutes=minutes or float(self.rng.uniform(60, 40_000)))
        spot = self.fix()[0] if near else Spot(-self.place.lat, round(-self.place.lon / 2, 6))
        return Earlier(media, account or self.token("acc"), spot, self.issued_at - ago)

    def sample(
        self, evidence: Evidence, memory: Sequence[Earlier] = (), *, tries: int = 1, note: str = ""
    ) -> Sample:
        """The finished capture. No truth of its answer is given: nothing in these scenes says it."""
        return Sample(Context(evidence, tuple(memory)), None, tries, note)


def _moved(spot: Spot, metres: float, bearing: float) -> Spot:
    """A spot some metres away; bearing in radians, clockwise from north."""
    north, east = metres * math.cos(bearing), metres * math.sin(bearing)
    lat = spot.lat + math.degrees(north / EARTH_RADIUS_M)
    lon = spot.lon + math.degrees(east / EARTH_RADIUS_M / math.cos(math.radians(spot.lat)))
    return Spot(round(lat, 7), round(lon, 7))


def _daytime(rgb: Pixels, place: Spot, rng: np.random.Generator) -> datetime:
    """When such a picture may have been taken there: under the sun when it shows a daylit sky."""
    _, high, sky = light(rgb)
    hour = 23.5 if high < 0.12 else float(rng.uniform(11, 13.5) if sky > 0.4 else rng.uniform(9, 17))
    # Spring and autumn: day and night are as they should be at any latitude.
    day = datetime(2026, int(rng.choice([3, 4, 9])), int(rng.integers(5, 25)), tzinfo=UTC)
    return day + timedelta(hours=hour - place.lon / 15, seconds=int(rng.integers(3600)))
