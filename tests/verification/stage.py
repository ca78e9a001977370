"""Honest captures to start from: a device with a real key, its statements, the server's records.

Everything is signed for real; a test makes a capture dishonest by changing one thing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.accounts.rules import part_message, statement_message
from core.clock import wire
from core.geo import Area, Spot
from tests.fakes.seeing import BlindEngine, EmptyMemory, MuteReader
from verification.case import Tools
from verification.evidence import Evidence, Family, Json, Part, Session, Terms
from verification.picture import Decoder
from verification.trust import TrustList

if TYPE_CHECKING:
    from verification.memory import PastSpot

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
GREENWICH = Spot(51.47781, -0.00148)
CLAIM, DEVICE, NONCE = "clm_" + "0" * 26, "dev_" + "0" * 26, "ab" * 32
Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def new_key(algorithm: str = "ES256") -> Key:
    """A device's key."""
    return (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else ed25519.Ed25519PrivateKey.generate()
    )


def spki(key: Key) -> bytes:
    """The public key as DER SubjectPublicKeyInfo."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def sign(key: Key, message: bytes) -> bytes:
    """As a device signs: ES256 as r||s, Ed25519 as it is."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def terms(kind: str = "photo", **changes: object) -> Terms:
    """A T0 ask at Greenwich for $0.50, 150 m around."""
    families = {Family.SESSION, Family.PLACE, Family.DUPLICATE if kind == "photo" else Family.STREAM}
    honest = Terms(
        bounty="bty_" + "0" * 26,
        kind=kind,
        tier=0,
        required=frozenset(families),
        area=Area.disc(GREENWICH.lat, GREENWICH.lon, 150),
        opens_at=NOON - timedelta(hours=1),
        closes_at=NOON + timedelta(hours=6),
        ask="Is the gate open?",
        answer_schema={},
        stake_micros=500_000,
    )
    return replace(honest, **changes)  # type: ignore[arg-type]


def signed_session(statement: str, key: Key, **changes: object) -> Session:
    """The server's record of a session in which all went well: committed 8 s after the challenge."""
    commitment = hashlib.sha256(statement.encode()).digest()
    honest = Session(
        claim=CLAIM,
        account="acc_" + "0" * 26,
        device=DEVICE,
        device_revoked=False,
        algorithm="Ed25519" if isinstance(key, ed25519.Ed25519PrivateKey) else "ES256",
        public_key=spki(key),
        nonce=NONCE,
        code="",
        issued_at=NOON,
        deadline=NOON + timedelta(minutes=30),
        max_freshness_s=600.0,
        commitment=commitment,
        committed_at=NOON + timedelta(seconds=8),
        statement=statement,
        signature=sign(key, statement_message(commitment)),
        submitted_at=NOON + timedelta(seconds=20),
    )
    return replace(honest, **changes)  # type: ignore[arg-type]


def unknown_session() -> Session:
    """A session outside the market of which nothing is known."""
    return Session(
        claim="",
        account="",
        device="",
        device_revoked=False,
        algorithm="",
        public_key=b"",
        nonce="",
        code="",
        issued_at=None,
        deadline=None,
        max_freshness_s=0.0,
        commitment=None,
        committed_at=None,
        statement="",
        signature=b"",
        submitted_at=None,
        outside=True,
    )


def photo(
    media: bytes,
    *,
    say: Mapping[str, Json] | None = None,
    key: Key | None = None,
    ask: Terms | None = None,
    **session: object,
) -> Evidence:
    """An honest photo's evidence. `say` overrides keys of the statement before it is signed (a value
    of None takes the key away); `session` overrides the server's record."""
    sha256 = hashlib.sha256(media).hexdigest()
    said: dict[str, Json] = {
        "v": 1,
        "kind": "photo",
        "claim": CLAIM,
        "device": DEVICE,
        "nonce": NONCE,
        "sha256": sha256,
        "taken_at": wire(NOON + timedelta(seconds=7)),
        "lat": GREENWICH.lat + 0.0003,
        "lon": GREENWICH.lon,
        "accuracy_m": 12.0,
        **(say or {}),
    }
    statement = json.dumps({name: value for name, value in said.items() if value is not None})
    recorded = signed_session(statement, key or new_key(), **session)
    return Evidence("cap_" + "0" * 26, 10, ask or terms(), recorded, media, sha256)


@dataclass
class Recording:
    """A stream in the making: change `rows`, `payloads` or `said`, then ask for its evidence."""

    key: Key
    rows: list[list[list[Json]]]
    said: dict[str, Json]

    def payload(self, number: int, **changes: Json) -> str:
        whole: dict[str, Json] = {"v": 1, "claim": CLAIM, "nonce": NONCE, "part": number, **changes}
        whole.setdefault("readings", [list(row) for row in self.rows[number]])
        return json.dumps(whole)

    def part(self, number: int, payload: str | None = None, key: Key | None = None) -> Part:
        text = self.payload(number) if payload is None else payload
        return Part(number, text, sign(key or self.key, part_message(text)), NOON + timedelta(seconds=600))

    def evidence(
        self, parts: Sequence[Part] | None = None, ask: Terms | None = None, **changes: object
    ) -> Evidence:
        held = tuple(self.part(number) for number in range(len(self.rows))) if parts is None else tuple(parts)
        media = "\n".join(part.payload for part in held).encode()
        sha256 = hashlib.sha256(media).hexdigest()
        statement = json.dumps({"sha256": sha256, "parts": len(held), **self.said})
        honest = Evidence(
            capture="cap_" + "1" * 26,
            order=11,
            terms=ask or terms("stream", answer_schema={"x-stream": STREAM_TERMS}),
            session=signed_session(statement, self.key, submitted_at=NOON + timedelta(minutes=10)),
            media=media,
            media_sha256=sha256,
            parts=held,
            installed_at=GREENWICH,
        )
        return replace(honest, **changes)  # type: ignore[arg-type]


STREAM_TERMS: dict[str, Json] = {
    "unit": "Cel",
    "minimum": -20,
    "maximum": 60,
    "readings_per_window": 20,
    "min_interval_s": 1.0,
}


def recording(algorithm: str = "Ed25519") -> Recording:
    """Twenty readings, two a second apart, in two parts; values that move."""
    rows: list[list[list[Json]]] = [
        [[seq, wire(NOON + timedelta(seconds=2 * seq)), 20 + seq / 10] for seq in range(begin, begin + 10)]
        for begin in (0, 10)
    ]
    said: dict[str, Json] = {"v": 1, "kind": "stream", "claim": CLAIM, "device": DEVICE, "nonce": NONCE}
    return Recording(new_key(algorithm), rows, {**said, "taken_at": wire(NOON + timedelta(seconds=5))})


def tools(decoder: Decoder, *, trust: TrustList | None = None, last: PastSpot | None = None) -> Tools:
    """The real decoder beside a memory, an engine and a reader that know nothing."""
    return Tools(decoder, EmptyMemory(last), BlindEngine(), MuteReader(), trust or TrustList())
