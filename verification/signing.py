"""How a statement is signed outside the market: which bytes, by which keys, in which spellings.

The signed bytes are the RFC 8785 canonical JSON (JCS) of the statement without `signature`. Where a
signer did not hold its key inside the statement the same without `public_key` counts too, and so does
what Python's `json.dumps` writes with sorted keys and no blanks (it spells some numbers otherwise: 12.0
where JCS says 12). All of them state the same values, so taking any of them proves the same.

Source: RFC 8785; ECMA-262 section 6.1.6.1.20 (Number::toString); RFC 7518 section 3.4; RFC 8410.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from core.accounts.rules import Algorithm, signature_fits
from verification.evidence import Json
from verification.statement import Said

_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_FIXED_DIGITS = 21  # from here on ECMAScript writes a number with an exponent


def canonical(value: Json | Mapping[str, Json]) -> str:
    """RFC 8785 text of finite JSON. Whole numbers are written as they are, however large."""
    if isinstance(value, Mapping):
        members = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_text(key)}:{canonical(inner)}" for key, inner in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(inner) for inner in value) + "]"
    if isinstance(value, float):
        return _float(value)
    return _text(value)


def statement_text(statement: Mapping[str, Json]) -> str:
    """The statement as it is carried in `Session.statement`: JSON text without the signature."""
    return json.dumps({key: value for key, value in statement.items() if key != "signature"})


def signed_forms(statement: Mapping[str, Json]) -> Iterator[bytes]:
    """The byte strings of which one must be what was signed (see the module's page)."""
    given = statement.signed if isinstance(statement, Said) else statement
    whole = {key: value for key, value in given.items() if key != "signature"}
    keyless = {key: value for key, value in whole.items() if key != "public_key"}
    for said in (whole, keyless):
        yield canonical(said).encode("utf-8", "surrogatepass")
        plain = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        yield plain.encode("utf-8", "surrogatepass")


def public_key(text: str) -> tuple[str, bytes] | None:
    """(algorithm, DER SubjectPublicKeyInfo) of a P-256 or Ed25519 key, else None.

    Reads PEM, and in hex, base64 or base64url: DER SubjectPublicKeyInfo, the 32 bytes of an Ed25519
    key, or a point of P-256 (65 or 33 bytes, SEC 1).
    """
    try:
        key = load_pem_public_key(text.encode()) if "-----BEGIN" in text else _of_bytes(unspelt(text))
    except (ValueError, UnsupportedAlgorithm):
        return None
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return Algorithm.ED25519, der
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return Algorithm.ES256, der
    return None


def unspelt(text: str) -> bytes:
    """Bytes from hex, base64 or base64url, padded or not.

    Raises:
        ValueError: it is none of them.
    """
    tight = "".join(text.split())
    if _HEX.fullmatch(tight):
        return bytes.fromhex(tight)
    plain = tight.rstrip("=").translate(str.maketrans("-_", "+/"))
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def statement_signed(algorithm: str, key: bytes, signature: bytes, statement: Mapping[str, Json]) -> bool:
    """Whether this key signed one of the statement's forms. ES256 as r||s (64 bytes) or DER."""
    spellings = [signature]
    if algorithm == Algorithm.ES256 and (plain := _from_der(signature)):
        spellings.append(plain)
    return any(
        signature_fits(algorithm, key, spelling, message)
        for message in signed_forms(statement)
        for spelling in spellings
    )


def _of_bytes(data: bytes) -> PublicKeyTypes:
    if len(data) == 32:
        return ed25519.Ed25519PublicKey.from_public_bytes(data)
    if len(data) in {33, 65}:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
    return load_der_public_key(data)


def _from_der(signature: bytes) -> bytes | None:
    """r||s of a DER ECDSA signature over P-256, else None."""
    try:
        r, s = decode_dss_signature(signature)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    except (ValueError, OverflowError):
        return None


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _float(value: float) -> str:
    """As ECMAScript writes a number."""
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text, minus = "".join(map(str, digits)), "-" if sign else ""
    point = len(text) + int(exponent)
    if len(text) <= point <= _FIXED_DIGITS:
        return minus + text + "0" * (point - len(text))
    if 0 < point <= _FIXED_DIGITS:
        return f"{minus}{text[:point]}.{text[point:]}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{minus}{text[0]}{fraction}e{point - 1:+d}"
