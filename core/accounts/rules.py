"""Accounts, pure: kinds, scopes, key secrets, spend windows, what a device signs."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from core.geo import Spot
from core.money import Money

KEY_PREFIX = "sk_"


class Kind(StrEnum):
    """What an account is."""

    AGENT = "agent"
    PERSON = "person"
    LAB = "lab"
    OPERATOR = "operator"


class Scope(StrEnum):
    """What a key may do."""

    POST = "post"
    READ = "read"
    CONTRIBUTE = "contribute"
    MONEY = "money"
    REVIEW = "review"
    ADMIN = "admin"


SCOPES_OF: dict[Kind, frozenset[Scope]] = {
    Kind.AGENT: frozenset({Scope.POST, Scope.READ, Scope.MONEY}),
    Kind.PERSON: frozenset({Scope.CONTRIBUTE, Scope.READ, Scope.MONEY}),
    Kind.LAB: frozenset({Scope.CONTRIBUTE, Scope.POST, Scope.READ, Scope.MONEY}),
    Kind.OPERATOR: frozenset({Scope.READ, Scope.REVIEW, Scope.ADMIN}),
}
"""The most a key of an account of each kind may hold."""


class AccountState(StrEnum):
    """OPEN trades. FROZEN reads and settles what is under way, until an operator lifts it. CLOSED is over."""

    OPEN = "open"
    FROZEN = "frozen"
    CLOSED = "closed"


ACCOUNT: Mapping[AccountState, frozenset[AccountState]] = {
    AccountState.OPEN: frozenset({AccountState.FROZEN, AccountState.CLOSED}),
    # Nobody leaves by closing while an operator looks into something.
    AccountState.FROZEN: frozenset({AccountState.OPEN}),
    AccountState.CLOSED: frozenset(),
}


class Algorithm(StrEnum):
    """Signature algorithms a device may enrol with; pinned at enrolment."""

    ES256 = "ES256"
    ED25519 = "Ed25519"


class DeviceKind(StrEnum):
    """What a device is."""

    PHONE = "phone"
    INSTRUMENT = "instrument"


@dataclass(frozen=True, slots=True)
class Limits:
    """A key's spend limits; None is no limit.

    Attributes:
        per_bounty, per_hour, per_day, total: the most it may spend, fees included; hours and days are UTC's.
        kinds: the kinds of bounty it may post.
        cells: H3 cells (`geo.fence_cell`), one of which must hold the centre of the area.
        approve_over: what costs more needs an approval by a key without limits.
    """

    per_bounty: Money | None = None
    per_hour: Money | None = None
    per_day: Money | None = None
    total: Money | None = None
    kinds: tuple[str, ...] | None = None
    cells: tuple[str, ...] | None = None
    approve_over: Money | None = None


@dataclass(frozen=True, slots=True)
class Purchase:
    """What a key is about to buy: what it costs in all, of which kind, and the centre of its area."""

    amount: Money
    kind: str
    spot: Spot


def new_secret() -> str:
    """A fresh API key: 256 random bits behind a prefix that secret scanners know."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def secret_hash(secret: str) -> str:
    """What is stored of a key. SHA-256 is enough: 256 random bits cannot be searched."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Span(StrEnum):
    """The windows that spending is counted in."""

    HOUR = "hour"
    DAY = "day"


_WINDOW = {Span.HOUR: "%Y-%m-%dT%H", Span.DAY: "%Y-%m-%d"}


def window_of(span: Span, now: datetime) -> str:
    """The UTC hour or day a spend counts towards, such as "2026-11-23T12"."""
    return now.astimezone(UTC).strftime(_WINDOW[span])


def b64u(data: bytes) -> str:
    """Base64url without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64u(text: str) -> bytes:
    """Reads `b64u`. Raises ValueError on anything else."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:  # binascii.Error is one; text outside ASCII is another
        raise ValueError("not base64url") from error
    if b64u(data) != text:  # the other alphabet, padding, or loose bits at the end
        raise ValueError("not base64url in its one form")
    return data


def enrolment_message(public_key: bytes) -> bytes:
    """What a device signs to prove that it holds the key it enrols."""
    return b"spotcheck-enrol-v1\n" + hashlib.sha256(public_key).digest()


def statement_message(commitment: bytes) -> bytes:
    """What a device signs at the shutter: `commitment` is the statement's SHA-256 (32 bytes)."""
    return b"spotcheck-statement-v1\n" + commitment


def part_message(payload: str) -> bytes:
    """What an instrument signs for one part of a stream."""
    return b"spotcheck-part-v1\n" + hashlib.sha256(payload.encode()).digest()


def fits_algorithm(algorithm: str, public_key: bytes) -> bool:
    """Whether DER SubjectPublicKeyInfo bytes are a key of this algorithm (P-256 or Ed25519).

    Only in the one usual encoding: with a compressed point one key would enrol as two devices.
    """
    try:
        key = load_der_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm):
        return False
    if key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != public_key:
        return False
    if algorithm == Algorithm.ES256:
        return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    return algorithm == Algorithm.ED25519 and isinstance(key, ed25519.Ed25519PublicKey)


def signature_fits(algorithm: str, public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` over `message` is by this key.

    ES256 signatures are the 64 bytes r||s of RFC 7518 section 3.4, as WebCrypto makes them.
    """
    if not fits_algorithm(algorithm, public_key):
        return False
    key = load_der_public_key(public_key)
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and len(signature) == 64:
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
            return True
    except InvalidSignature:
        return False
    return False
