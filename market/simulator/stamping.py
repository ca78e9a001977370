"""A time stamping authority in miniature (RFC 3161): simulated, signed for real.

    stamper = new_stamper("Simulated Stamper")
    response = stamper.stamp(hashlib.sha256(media).digest(), at)

Source: RFC 3161 section 2.4.2 (response, TSTInfo); RFC 5652 sections 5 and 11 (SignedData, attributes);
RFC 5816 (SigningCertificateV2).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from market.simulator import authority
from market.simulator.authority import Authority, Key
from market.simulator.der import explicit, integer, octets, oid, sequence, set_of, time, tlv

_SIGNED_DATA, _TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE, _MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.47"
_SHA256, _ECDSA_SHA256 = sequence(oid("2.16.840.1.101.3.4.2.1")), sequence(oid("1.2.840.10045.4.3.2"))
_POLICY = "1.3.6.1.4.1.99999.1"


@dataclass(frozen=True, slots=True)
class Stamper:
    """An authority and the key that stamps.

    Attributes:
        status: PKIStatus of the responses; 0 is granted.
        algorithm: AlgorithmIdentifier (DER) that the imprint is said to be by; SHA-256.
        sends: certificates that come with a token; the stamper's and the intermediate unless told.
    """

    authority: Authority
    certificate: x509.Certificate
    key: Key
    status: int = 0
    algorithm: bytes = _SHA256
    sends: tuple[x509.Certificate, ...] | None = None

    def stamp(self, digest: bytes, at: datetime) -> bytes:
        """The response to a request for a digest's stamp, dated `at`."""
        return sequence(sequence(integer(self.status)), self.token(digest, at))

    def token(self, digest: bytes, at: datetime) -> bytes:
        """The token alone."""
        imprint = sequence(self.algorithm, octets(digest))
        info = sequence(integer(1), oid(_POLICY), imprint, integer(7), time(at), sequence(integer(1)))
        certificates = sorted(one.public_bytes(Encoding.DER) for one in self._sent())
        signed = sequence(
            integer(3),
            set_of(_SHA256),
            sequence(oid(_TST_INFO), explicit(0, octets(info))),
            tlv(0xA0, *certificates),
            set_of(self._signer(info)),
        )
        return sequence(oid(_SIGNED_DATA), explicit(0, signed))

    def _sent(self) -> tuple[x509.Certificate, ...]:
        if self.sends is not None:
            return self.sends
        return self.certificate, self.authority.intermediate

    def _signer(self, info: bytes) -> bytes:
        """SignerInfo: the attributes are signed as a SET and sent under [0]."""
        hashed = hashlib.sha256(self.certificate.public_bytes(Encoding.DER)).digest()
        attributes = set_of(
            _attribute(_CONTENT_TYPE, oid(_TST_INFO)),
            _attribute(_MESSAGE_DIGEST, octets(hashlib.sha256(info).digest())),
            _attribute(_SIGNING_CERTIFICATE, sequence(sequence(sequence(octets(hashed))))),
        )
        signature = self.key.sign(attributes, ec.ECDSA(hashes.SHA256()))
        serial = integer(self.certificate.serial_number)
        return sequence(
            integer(1),
            sequence(self.certificate.issuer.public_bytes(), serial),
            _SHA256,
            b"\xa0" + attributes[1:],
            _ECDSA_SHA256,
            octets(signature),
        )


def new_stamper(name: str, *, purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING) -> Stamper:
    """A stamper under a fresh authority of that name."""
    return employ(authority.found(name), purpose=purpose)


def employ(by: Authority, *, purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING) -> Stamper:
    """A further stamper under an authority."""
    key = authority.new_key()
    leaf = by.issue("a stamper", key.public_key(), [(x509.ExtendedKeyUsage([purpose]), True)])
    return Stamper(by, leaf, key)


def refusing(stamper: Stamper, status: int) -> Stamper:
    """The same, answering with another status."""
    return replace(stamper, status=status)


def _attribute(kind: str, value: bytes) -> bytes:
    return sequence(oid(kind), set_of(value))
