"""Makers of phones in miniature: App Attest and Android Key Attestation, simulated, signed for real.

    apple = found("Simulated Apple")
    phone = Enclave(apple, "TEAM123456.org.spotcheck.app")
    phone.attestation(client_data), phone.assertion(statement)

    google = found("Simulated Google")
    chain = pem(key_attestation(google, KeyFacts(public_key, challenge)))

Whatever can be wrong with them is a field, so that a cheat bends one thing. Source: as
`verification.attestation`.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from market.simulator.authority import Authority, Key, new_key
from market.simulator.der import explicit, integer, octets, sequence, set_of, truth

APP_ID = "TEAM123456.org.spotcheck.app"
PACKAGE, SIGNER = "org.spotcheck.app", hashlib.sha256(b"the certificate that signs the app").digest()
PRODUCTION = b"appattest" + bytes(7)
_NONCE = x509.ObjectIdentifier("1.2.840.113635.100.8.2")
_DESCRIPTION = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")
_FIELDS = 300  # attestation version 3.0 (KeyMint 3)


@dataclass(slots=True)
class Enclave:
    """A key in an iPhone's Secure Enclave and the app that holds it; `count` is its last counter."""

    maker: Authority
    app: str = APP_ID
    key: Key = field(default_factory=new_key)
    count: int = 0

    @property
    def key_id(self) -> bytes:
        """SHA-256 of the key's point."""
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return hashlib.sha256(point).digest()

    def attestation(
        self,
        client_data: bytes,
        *,
        counter: int = 0,
        aaguid: bytes = PRODUCTION,
        credential: bytes | None = None,
        fmt: str = "apple-appattest",
    ) -> bytes:
        """The attestation object."""
        held = self.key_id if credential is None else credential
        told = self._told(0x40, counter) + aaguid + struct.pack(">H", len(held)) + held
        nonce = _nonce(told, client_data)
        extension = x509.UnrecognizedExtension(_NONCE, sequence(explicit(1, octets(nonce))))
        leaf = self.maker.issue(self.key_id.hex(), self.key.public_key(), [(extension, False)])
        chain: list[object] = [one.public_bytes(Encoding.DER) for one in self.maker.chain(leaf)]
        return cbor({"fmt": fmt, "attStmt": {"x5c": chain, "receipt": b"receipt"}, "authData": told})

    def assertion(self, client_data: bytes, *, counter: int | None = None) -> bytes:
        """An assertion over client data, its counter one up unless told."""
        self.count = self.count + 1 if counter is None else counter
        told = self._told(0, self.count)
        signature = self.key.sign(_nonce(told, client_data), ec.ECDSA(hashes.SHA256()))
        return cbor({"signature": signature, "authenticatorData": told})

    def _told(self, flags: int, counter: int) -> bytes:
        return struct.pack(">32sBI", hashlib.sha256(self.app.encode()).digest(), flags, counter)


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What an Android phone's hardware says of a key. `origin` 0 is generated; `boot_state` 0 is verified."""

    public_key: ec.EllipticCurvePublicKey
    challenge: bytes
    levels: tuple[int, int] = (1, 1)
    purposes: tuple[int, ...] = (2, 3)
    origin: int | None = 0
    locked: bool = True
    boot_state: int = 0
    shared: bool = False
    package: str = PACKAGE
    signer: bytes = SIGNER

    def description(self) -> bytes:
        """The KeyDescription, DER."""
        app = sequence(
            set_of(sequence(octets(self.package.encode()), integer(1))), set_of(octets(self.signer))
        )
        boot = sequence(
            octets(bytes(32)), truth(self.locked), integer(self.boot_state, 0x0A), octets(bytes(32))
        )
        hardware = [
            explicit(1, set_of(*map(integer, self.purposes))),
            explicit(2, integer(3)),
            *([explicit(600, b"\x05\x00")] if self.shared else []),
            *([] if self.origin is None else [explicit(702, integer(self.origin))]),
            explicit(704, boot),
            explicit(705, integer(160000)),
        ]
        return sequence(
            integer(_FIELDS),
            integer(self.levels[0], 0x0A),
            integer(_FIELDS),
            integer(self.levels[1], 0x0A),
            octets(self.challenge),
            octets(b""),
            sequence(explicit(709, octets(app))),
            sequence(*hardware),
        )

    def extension(self) -> x509.UnrecognizedExtension:
        """The certificate's extension that holds it."""
        return x509.UnrecognizedExtension(_DESCRIPTION, self.description())


def key_attestation(maker: Authority, facts: KeyFacts) -> list[x509.Certificate]:
    """The chain, from the key's certificate to the root, as a phone hands it out."""
    leaf = maker.issue("Android Keystore Key", facts.public_key, [(facts.extension(), False)])
    return maker.chain(leaf, whole=True)


def pem(chain: Sequence[x509.Certificate]) -> bytes:
    """A chain as PEM."""
    return b"".join(one.public_bytes(Encoding.PEM) for one in chain)


def cbor(value: object) -> bytes:
    """Whole numbers from 0, bytes, texts, lists and maps in CBOR's shortest form (RFC 8949)."""
    if isinstance(value, int):
        return _head(0, value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(cbor, value))
    if isinstance(value, dict):
        return _head(5, len(value)) + b"".join(cbor(key) + cbor(inner) for key, inner in value.items())
    raise TypeError(f"no CBOR here for {type(value)}")


def _head(kind: int, count: int) -> bytes:
    if count < 24:
        return bytes([kind << 5 | count])
    size = next(power for power in range(4) if count < 1 << (8 << power))
    return bytes([kind << 5 | 24 + size]) + count.to_bytes(1 << size, "big")


def _nonce(told: bytes, client_data: bytes) -> bytes:
    return hashlib.sha256(told + hashlib.sha256(client_data).digest()).digest()
