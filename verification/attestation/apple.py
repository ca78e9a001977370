"""App Attest: a key that Apple says was made in the Secure Enclave, by an unmodified copy of our app.

    attested = apple.attest(object, client_data=apple.enrolment(enrolled_key, challenge), ...)
    counter = apple.check_assertion(assertion, attested, client_data=statement, last_counter=7)

The attested key signs nothing but assertions, so it is not the device's own key: the attestation's client
data names that key, and an assertion's client data is the statement. Source: Apple, "Validating apps that
connect to your server" (steps numbered as there); W3C WebAuthn section 6.1 (authenticator data).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from verification.attestation import cbor, der
from verification.attestation import chain as chains
from verification.attestation.errors import Doubt, Forged, Malformed

NONCE = x509.ObjectIdentifier("1.2.840.113635.100.8.2")
PRODUCTION, DEVELOPMENT = b"appattest" + bytes(7), b"appattestdevelop"
_ATTESTED_FLAG = 0x40  # authenticator data holds a key


@dataclass(frozen=True, slots=True)
class Attested:
    """A key of our app in a Secure Enclave.

    Attributes:
        key_id: SHA-256 of its point, by which Apple and the app name it.
        rp: SHA-256 of the App ID.
    """

    key: ec.EllipticCurvePublicKey
    key_id: bytes
    rp: bytes


@dataclass(frozen=True, slots=True)
class _Authenticator:
    """Authenticator data: of an attestation with key id and environment, of an assertion without."""

    rp: bytes
    counter: int
    aaguid: bytes = b""
    credential: bytes = b""


def enrolment(public_key: bytes, challenge: bytes) -> bytes:
    """The client data of an attestation: the device's own key (DER SubjectPublicKeyInfo) and a challenge."""
    return b"spotcheck-attest-v1\n" + hashlib.sha256(public_key).digest() + challenge


def attest(
    data: bytes,
    *,
    client_data: bytes,
    key_id: bytes,
    apps: Collection[str],
    roots: Sequence[x509.Certificate],
    at: datetime,
    revoked: frozenset[int] = frozenset(),
) -> Attested:
    """Verifies an attestation object.

    1. its certificates lead to one of Apple's roots (see `chain.verify`, `chain.check_authorities`);
    2.-4. the nonce in the first certificate is SHA-256(authenticator data + SHA-256(client data)): else
       forged, challenge_mismatch;
    5. SHA-256 of the key's point is the key id: else forged, attested_other_key;
    6. the authenticator data speaks of one of our apps: else another_app;
    7. its counter is 0: else counter_not_zero;
    8. it was made in production: else development_key;
    9. its credential is the key id: else forged, attested_other_key.

    Args:
        key_id: pinned at enrolment, 32 bytes; b"" takes the object's own, which the client data ties to the
            device.
        apps: App IDs (team, a full stop, bundle).
        at: when the server got the object: Apple's certificates live for days.

    Raises:
        Malformed: it is no attestation object.
        Forged, Doubt: the first step that fails.
    """
    told, encoded = _object(data)
    chain = chains.certificates(encoded)
    chains.verify(chain, roots, at=at, revoked=revoked)  # 1
    chains.check_authorities(chain)
    said = _authenticator(told, attested=True)
    if _nonce_of(chain[0]) != _nonce(told, client_data):  # 2 to 4
        raise Forged("challenge_mismatch")
    key = _p256(chain[0])
    pinned = key_id or said.credential
    if _identifier(key) != pinned:  # 5
        raise Forged("attested_other_key")
    if said.rp not in {hashlib.sha256(app.encode()).digest() for app in apps}:  # 6
        raise Doubt("another_app")
    if said.counter != 0:  # 7
        raise Doubt("counter_not_zero")
    if said.aaguid != PRODUCTION:  # 8
        raise Doubt("development_key" if said.aaguid == DEVELOPMENT else "environment_unknown")
    if said.credential != pinned:  # 9
        raise Forged("attested_other_key")
    return Attested(key, pinned, said.rp)


def check_assertion(
    data: bytes, attested: Attested, *, client_data: Sequence[bytes], last_counter: int
) -> int:
    """Verifies an assertion, and returns its counter.

    1.-3. the attested key signed SHA-256(authenticator data + SHA-256(client data)), for one of the forms
       the client data may have: else forged, assertion_not_by_key;
    4. it speaks of the attestation's app: else forged, assertion_of_another_app;
    5. its counter is above the last one seen: else forged, counter_back.
    The challenge (6) is the nonce in the statement, which the session check compares.

    Raises:
        Malformed, Forged.
    """
    value = cbor.only(data) if len(data) <= chains.MAX_BYTES else 0
    if not isinstance(value, dict) or value.keys() != {"signature", "authenticatorData"}:
        raise Malformed("no assertion")
    signature, told = value["signature"], value["authenticatorData"]
    if not isinstance(signature, bytes) or not isinstance(told, bytes):
        raise Malformed("no assertion")
    said = _authenticator(told, attested=False)
    if not any(_signed(attested.key, signature, _nonce(told, form)) for form in client_data):  # 1 to 3
        raise Forged("assertion_not_by_key")
    if said.rp != attested.rp:  # 4
        raise Forged("assertion_of_another_app")
    if said.counter <= last_counter:  # 5
        raise Forged("counter_back")
    return said.counter


def _object(data: bytes) -> tuple[bytes, list[bytes]]:
    """(authenticator data, certificates as DER) of an attestation object."""
    value = cbor.only(data) if len(data) <= chains.MAX_BYTES else 0
    if not isinstance(value, dict) or value.get("fmt") != "apple-appattest":
        raise Malformed("no App Attest object")
    told, statement = value.get("authData"), value.get("attStmt")
    encoded = statement.get("x5c") if isinstance(statement, dict) else None
    if not isinstance(told, bytes) or not isinstance(encoded, list):
        raise Malformed("no App Attest object")
    held = [one for one in encoded if isinstance(one, bytes)]
    if len(held) != len(encoded):
        raise Malformed("a certificate that is no bytes")
    return told, held


def _authenticator(data: bytes, *, attested: bool) -> _Authenticator:
    """rpIdHash 32 bytes, flags 1, counter 4; of an attestation also aaguid 16, length 2, credential."""
    if len(data) < 37:
        raise Malformed("authenticator data is cut off")
    rp, flags, counter = struct.unpack(">32sBI", data[:37])
    if not attested:
        return _Authenticator(rp, counter)
    if not flags & _ATTESTED_FLAG or len(data) < 55:
        raise Malformed("authenticator data without a key")
    aaguid, length = struct.unpack(">16sH", data[37:55])
    if len(data) < 55 + length:
        raise Malformed("authenticator data is cut off")
    return _Authenticator(rp, counter, aaguid, data[55 : 55 + length])


def _nonce(told: bytes, client_data: bytes) -> bytes:
    return hashlib.sha256(told + hashlib.sha256(client_data).digest()).digest()


def _nonce_of(certificate: x509.Certificate) -> bytes:
    """SEQUENCE { [1] EXPLICIT OCTET STRING } of the nonce extension."""
    raw = chains.extension(certificate, NONCE)
    parts = der.only(raw).sequence() if raw is not None else []
    if len(parts) != 1 or (parts[0].kind, parts[0].tag) != (der.CONTEXT, 1):
        raise Malformed("no nonce in the certificate")
    inner = parts[0].inner()
    if len(inner) != 1:
        raise Malformed("no nonce in the certificate")
    return inner[0].octets()


def _p256(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Malformed("an attested key that is not of P-256")
    return key


def _identifier(key: ec.EllipticCurvePublicKey) -> bytes:
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return hashlib.sha256(point).digest()


def _signed(key: ec.EllipticCurvePublicKey, signature: bytes, nonce: bytes) -> bool:
    try:
        key.verify(signature, nonce, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
