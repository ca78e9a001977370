"""A photo or a film on its way to the market, sworn to once, so that handing it in can be repeated.

    shot = Shot.photo(key, device.id, claim, picture, lat=52.37, lon=4.9, accuracy_m=8.0)
    capture = client.devices.submit(shot, answer=True)      # after any fault: again, with the same shot

What the market would refuse by the bytes alone is refused here, before anything is committed: a claim takes
one statement, so a second one, however alike, comes too late. Pure but for reading a film's file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from agent_sdk.device import DeviceKey, Signed, camera_statement
from agent_sdk.errors import BadInput, TooLarge
from agent_sdk.films import Film, motion_file
from agent_sdk.work import Claim

PHOTO_TYPES = ("image/avif", "image/heic", "image/heif", "image/jpeg", "image/png", "image/webp")
PHOTO_BYTES, FILM_BYTES, BURST_BYTES = 32 * 1024 * 1024, 200_000_000, 8 * 1024 * 1024  # the market's limits


@dataclass(frozen=True, slots=True)
class Shot:
    """What `client.devices.submit` hands in: the same however often.

    Attributes:
        claim: its id. signed: the statement, made once.
        media: the original's bytes, or the file they are in, which must not change until it is handed in.
        media_type: what the original is. burst: the file of frames and motion beside it, or None.
    """

    claim: str
    signed: Signed
    media: bytes | Path = field(repr=False)
    media_type: str
    burst: bytes | None = field(default=None, repr=False)

    @classmethod
    def photo(
        cls,
        key: DeviceKey,
        device_id: str,
        claim: Claim,
        picture: bytes,
        *,
        lat: float,
        lon: float,
        accuracy_m: float,
        media_type: str = "image/jpeg",
        burst: bytes | None = None,
        taken_at: datetime | None = None,
    ) -> Shot:
        """A photograph, taken here (WGS 84, metres) and at `taken_at` (default: now).

        Args:
            media_type: "image/heic", "image/heif", "image/avif", "image/png" or "image/webp" if no JPEG.
            burst: the ZIP of frames and motion around the shutter (docs/api.md), at most 8 MiB; asked for
                where `claim.challenge.burst` says so.

        Raises:
            BadInput: another kind of claim or file, no burst where one is asked for. TooLarge: over 32 MiB.
        """
        if media_type not in PHOTO_TYPES:
            raise BadInput(f"{media_type!r} is no photo's type", facts={"allowed": list(PHOTO_TYPES)})
        if claim.challenge.burst and burst is None:
            raise BadInput("this claim asks for a burst", hint="Give burst=: the ZIP that docs/api.md shows.")
        _check(claim, "photo", len(picture), PHOTO_BYTES, burst)
        signed = camera_statement(
            key,
            device_id,
            claim,
            hashlib.sha256(picture).hexdigest(),
            burst_sha256=_sha256(burst),
            lat=lat,
            lon=lon,
            accuracy_m=accuracy_m,
            taken_at=taken_at or datetime.now(UTC),
        )
        return cls(claim.id, signed, picture, media_type, burst)

    @classmethod
    def video(
        cls,
        key: DeviceKey,
        device_id: str,
        claim: Claim,
        film: bytes | Path | str,
        *,
        lat: float,
        lon: float,
        accuracy_m: float,
        motion: str = "",
        taken_at: datetime | None = None,
    ) -> Shot:
        """As `photo`, of 5 to 20 s of MP4, MOV or WebM, at most 200 MB; a file is never read whole.

        Args:
            film: the bytes, or the path of a file that does not change meanwhile.
            motion: what the phone felt while it filmed: CSV `t,gx,gy,gz,ax,ay,az`, t from the first frame.

        Raises:
            BadInput: another kind of claim or file. TooLarge.
        """
        ready, burst = Film.of(film), motion_file(motion) if motion else None
        _check(claim, "video", ready.size, FILM_BYTES, burst)
        signed = camera_statement(
            key,
            device_id,
            claim,
            ready.sha256,
            burst_sha256=_sha256(burst),
            lat=lat,
            lon=lon,
            accuracy_m=accuracy_m,
            taken_at=taken_at or datetime.now(UTC),
        )
        return cls(claim.id, signed, ready.source, ready.media_type, burst)


def _check(claim: Claim, kind: str, size: int, limit: int, burst: bytes | None) -> None:
    if claim.kind != kind:
        raise BadInput(f"this claim is for a {claim.kind}, not a {kind}")
    if not size:
        raise BadInput(f"the {kind} is empty")
    if size > limit:
        raise TooLarge(f"the {kind} is too large", facts={"limit": limit})
    if burst is not None and len(burst) > BURST_BYTES:
        raise TooLarge("the burst is too large", facts={"limit": BURST_BYTES})


def _sha256(burst: bytes | None) -> str | None:
    return None if burst is None else hashlib.sha256(burst).hexdigest()
