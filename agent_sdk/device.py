"""A device's key, and what it signs: enrolment, stream parts, statements. No network; no server code.

    key = DeviceKey.load_or_create(Path("instrument.pem"))          # made once, readable by its owner only
    window = StreamWindow(key, "dev_...", claim)
    window.record(21.4, datetime.now(UTC))
    parts = window.seal()                                           # signed; `client.devices.send` posts them

Formats (all text is UTF-8, b64u is base64url without padding, sha256 is the raw 32 bytes):

    enrolment   sign(b"spotcheck-enrol-v1\\n" + sha256(public key as DER SubjectPublicKeyInfo))
    part        sign(b"spotcheck-part-v1\\n" + sha256(payload))
    statement   commitment = sha256(statement), sign(b"spotcheck-statement-v1\\n" + commitment)

A stream's media are its payloads joined by newlines, and the statement's sha256 is over these bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from pydantic import JsonValue

from agent_sdk.errors import BadInput
from agent_sdk.types import timestamp
from agent_sdk.work import Claim

ED25519, ES256 = "Ed25519", "ES256"
MAX_PART, MAX_PARTS = 65_536, 1000  # characters of a part, and parts of a window, that the market takes
_ENROL, _PART, _STATEMENT = b"spotcheck-enrol-v1\n", b"spotcheck-part-v1\n", b"spotcheck-statement-v1\n"


def b64u(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class DeviceKey:
    """A private signing key: Ed25519, or ES256 (P-256 with SHA-256) where hardware offers only that."""

    def __init__(self, private: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> None:
        if isinstance(private, ec.EllipticCurvePrivateKey) and not isinstance(private.curve, ec.SECP256R1):
            raise BadInput(f"an elliptic curve key is P-256, not {private.curve.name}")
        self._private = private

    @classmethod
    def create(cls, algorithm: str = ED25519) -> DeviceKey:
        """A fresh key, in memory only."""
        if algorithm == ED25519:
            return cls(Ed25519PrivateKey.generate())
        if algorithm == ES256:
            return cls(ec.generate_private_key(ec.SECP256R1()))
        raise BadInput(f"algorithm is {ED25519} or {ES256}, not {algorithm!r}")

    @classmethod
    def load_or_create(cls, path: Path | str, algorithm: str = ED25519) -> DeviceKey:
        """The key in the PEM file at `path`; made there, mode 0600, when there is none.

        Raises:
            BadInput: another kind of key, or a file that others may read.
        """
        path = Path(path)
        if not path.exists():
            _write_new(path, cls.create(algorithm)._pem())
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise BadInput(f"{path} can be read by others", hint=f"chmod 600 {path}")
        private = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(private, Ed25519PrivateKey | ec.EllipticCurvePrivateKey):
            raise BadInput(f"{path} holds neither an Ed25519 nor a P-256 key")
        return cls(private)

    @property
    def algorithm(self) -> str:
        """ "Ed25519" or "ES256"."""
        return ED25519 if isinstance(self._private, Ed25519PrivateKey) else ES256

    @property
    def public_key(self) -> str:
        """DER SubjectPublicKeyInfo, b64u."""
        return b64u(self._spki())

    def sign(self, message: bytes) -> str:
        """64 bytes, b64u: Ed25519, or ES256 as raw r||s (the form WebCrypto gives)."""
        if isinstance(self._private, Ed25519PrivateKey):
            return b64u(self._private.sign(message))
        r, s = decode_dss_signature(self._private.sign(message, ec.ECDSA(SHA256())))
        return b64u(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    def enrolment_proof(self) -> str:
        """Shows possession of the private key when the public one is enrolled."""
        return self.sign(_ENROL + hashlib.sha256(self._spki()).digest())

    def __repr__(self) -> str:
        return f"DeviceKey({self.algorithm}, public_key={self.public_key!r})"

    def _spki(self) -> bytes:
        return self._private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def _pem(self) -> bytes:
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement's exact text, its commitment (hex) and its signature (b64u)."""

    statement: str
    commitment: str
    signature: str


@dataclass(frozen=True, slots=True)
class SignedPart:
    """One part of a stream: its number from 0, the exact payload text, the signature (b64u)."""

    number: int
    payload: str
    signature: str

    @property
    def key(self) -> str:
        """The Idempotency-Key it is posted under: the same part has the same."""
        return f"part-{self.number}-{hashlib.sha256(self.payload.encode()).hexdigest()}"


def sign_statement(key: DeviceKey, statement: dict[str, JsonValue]) -> Signed:
    """Writes a statement as text once, and signs exactly that."""
    text = json.dumps(statement, separators=(",", ":"), allow_nan=False)
    commitment = hashlib.sha256(text.encode()).digest()
    return Signed(text, commitment.hex(), key.sign(_STATEMENT + commitment))


def camera_statement(
    key: DeviceKey,
    device_id: str,
    claim: Claim,
    sha256: str,
    *,
    burst_sha256: str | None = None,
    lat: float,
    lon: float,
    accuracy_m: float,
    taken_at: datetime,
) -> Signed:
    """What a camera swears to: this photo or film, by its hash (hex), and that of the burst where there is
    one; under this challenge, here (WGS 84, metres) and now."""
    media: dict[str, JsonValue] = {"nonce": claim.challenge.nonce, "sha256": sha256}
    if burst_sha256 is not None:
        media["burst"] = burst_sha256
    place: dict[str, JsonValue] = {"lat": lat, "lon": lon, "accuracy_m": accuracy_m}
    who: dict[str, JsonValue] = {"v": 1, "kind": claim.kind, "claim": claim.id, "device": device_id}
    return sign_statement(key, {**who, **media, "taken_at": timestamp(taken_at), **place})


class StreamWindow:
    """One claimed window of readings, recorded, signed part by part, and finally sworn to.

    Pure: `client.devices.send` and `.finalise` do the posting. Sequence numbers start at 0 and have no
    gaps; times are the readings' own, not those of posting. A window has at most 1,000 parts: of many
    readings send some hundreds at a time.
    """

    def __init__(self, key: DeviceKey, device_id: str, claim: Claim) -> None:
        self.key, self.device_id, self.claim = key, device_id, claim
        self.parts: list[SignedPart] = []
        self.stored = 0
        self._pending: list[str] = []
        self._count = 0
        self._last: datetime | None = None
        self._signed: Signed | None = None

    def record(self, value: float, at: datetime) -> int:
        """Adds one reading (a finite number in the bounty's unit) and returns its sequence number.

        Raises:
            BadInput: not finite, no time zone, not after the reading before, or the window is sworn to or
                has all its parts.
        """
        if self._signed is not None:
            raise BadInput("the window is finalised")
        if len(self.parts) >= MAX_PARTS:
            raise BadInput(f"the window has its {MAX_PARTS} parts", hint="Finalise it; send less often.")
        if not math.isfinite(value):
            raise BadInput(f"{value!r} is not a reading")
        stamp = timestamp(at)
        if self._last is not None and at <= self._last:
            raise BadInput(f"a reading at {stamp} does not come after the one before it")
        self._pending.append(json.dumps([self._count, stamp, float(value)], separators=(",", ":")))
        self._last, self._count = at, self._count + 1
        return self._count - 1

    def seal(self) -> list[SignedPart]:
        """Signs what was recorded since the last part, as one part or as many as it fills; [] for nothing.

        Raises:
            BadInput: it does not fit in the parts that are left.
        """
        made = []
        while self._pending:
            if len(self.parts) >= MAX_PARTS:
                raise BadInput(f"a window has at most {MAX_PARTS} parts", hint="Send less often.")
            made.append(self._next_part())
        return made

    def _next_part(self) -> SignedPart:
        """The next part: as many of the pending readings, from the first on, as it holds."""
        number = len(self.parts)
        head: dict[str, JsonValue] = {"v": 1, "claim": self.claim.id, "nonce": self.claim.challenge.nonce}
        begin = json.dumps({**head, "part": number}, separators=(",", ":"))[:-1] + ',"readings":['
        # Each reading has a comma behind it but the last; "]}" ends the part.
        ends = list(accumulate(len(text) + 1 for text in self._pending))
        count = bisect_right(ends, MAX_PART - len(begin) - 1)
        payload = f"{begin}{','.join(self._pending[:count])}]}}"
        part = SignedPart(number, payload, self.key.sign(_PART + hashlib.sha256(payload.encode()).digest()))
        self.parts.append(part)
        del self._pending[:count]
        return part

    def unsent(self) -> list[SignedPart]:
        """Sealed parts the server is not known to have."""
        return self.parts[self.stored :]

    def mark_stored(self, next_part: int) -> None:
        """Notes which part the server expects next. Raises BadInput when it claims more than was sealed."""
        if not 0 <= next_part <= len(self.parts):
            raise BadInput(f"the server expects part {next_part}; {len(self.parts)} were made")
        self.stored = max(self.stored, next_part)

    def sign(self, taken_at: datetime) -> Signed:
        """The statement over all parts; made once, the same ever after. Raises BadInput: nothing recorded."""
        if self._pending or not self.parts:
            raise BadInput("record readings and seal() them first")
        if self._signed is None:
            media = "\n".join(part.payload for part in self.parts).encode()
            self._signed = sign_statement(
                self.key,
                {
                    "v": 1,
                    "kind": "stream",
                    "claim": self.claim.id,
                    "device": self.device_id,
                    "nonce": self.claim.challenge.nonce,
                    "sha256": hashlib.sha256(media).hexdigest(),
                    "parts": len(self.parts),
                    "taken_at": timestamp(taken_at),
                },
            )
        return self._signed


def _write_new(path: Path, data: bytes) -> None:
    """A whole file, mode 0600 from its first byte, that never replaces one already there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return  # another process won: its key is the key
    finally:
        draft.unlink(missing_ok=True)
