"""A certificate chain, from the attested key to one of the maker's roots.

Of RFC 5280's path validation what makers' chains need: every certificate is signed by the next, whoever signs
is an authority (`check_authorities`, asked for apart), the last is (or is signed by) a root we hold, all are
valid at the time of attestation, none is revoked. Name constraints, policies and path lengths are left out:
the maker alone writes these certificates.
Source: RFC 5280 section 6.1; Android's guide "Verify hardware-backed key pairs with key attestation".
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from verification.attestation import der
from verification.attestation.errors import Doubt, Forged, Malformed

MAX_CHAIN = 10  # certificates
MAX_BYTES = 65_536  # of one chain, or of one attestation object
_UNREADABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


def split(data: bytes) -> list[x509.Certificate]:
    """Certificates from PEM blocks or from DER laid end to end.

    Raises:
        Malformed: they are none, none at all, or too many.
    """
    if len(data) > MAX_BYTES:
        raise Malformed("too large for a chain")
    if b"-----BEGIN" not in data:
        return certificates(_pieces(data))
    try:
        found = x509.load_pem_x509_certificates(data)
    except _UNREADABLE as error:
        raise Malformed("no PEM certificates") from error
    return certificates([one.public_bytes(Encoding.DER) for one in found[: MAX_CHAIN + 1]])


def certificates(encoded: Sequence[bytes]) -> list[x509.Certificate]:
    """Parsed certificates whose keys and extensions can be read. Raises Malformed."""
    if not 1 <= len(encoded) <= MAX_CHAIN:
        raise Malformed("no certificate, or too many")
    try:
        found = [x509.load_der_x509_certificate(one) for one in encoded]
        for certificate in found:
            certificate.public_key()
            list(certificate.extensions)
            certificate.subject, certificate.issuer  # noqa: B018 - parsed when first asked for
    except _UNREADABLE as error:
        raise Malformed("no certificate that can be read") from error
    return found


def _pieces(data: bytes) -> list[bytes]:
    found: list[bytes] = []
    while data and len(found) <= MAX_CHAIN:
        size = der.first(data)
        found.append(data[:size])
        data = data[size:]
    return found


def spki(certificate: x509.Certificate) -> bytes:
    """Its public key as DER SubjectPublicKeyInfo."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def extension(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> bytes | None:
    """The value of an extension that `cryptography` does not know; None where it is not there."""
    for found in certificate.extensions:
        if found.oid == oid and isinstance(found.value, x509.UnrecognizedExtension):
            return found.value.value
    return None


def verify(
    chain: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    *,
    at: datetime,
    revoked: frozenset[int] = frozenset(),
    suspended: frozenset[int] = frozenset(),
) -> None:
    """Verifies a chain, the attested key's certificate first, in order.

    1. each certificate is issued and signed by the next: else it is forged, chain_broken;
    2. the last is one of the roots, or issued by one: else forged when it bears a root's name,
       root_forged, and unknown when it does not: root_unknown;
    3. none is revoked (forged, key_revoked) or suspended (key_suspended);
    4. all are valid at the time `at`: else certificate_expired.

    Raises:
        Forged, Doubt: the first step that fails.
    """
    for issued, issuer in itertools.pairwise(chain):
        if not _issued(issued, issuer):
            raise Forged("chain_broken")
    last = chain[-1]
    if not any(_same(last, root) or _issued(last, root) for root in roots):
        borrowed = {last.subject, last.issuer} & {root.subject for root in roots}
        raise Forged("root_forged") if borrowed else Doubt("root_unknown")
    serials = {certificate.serial_number for certificate in chain}
    if serials & revoked:
        raise Forged("key_revoked")
    if serials & suspended:
        raise Doubt("key_suspended")
    if any(not one.not_valid_before_utc <= at <= one.not_valid_after_utc for one in chain):
        raise Doubt("certificate_expired")


def check_authorities(chain: Sequence[x509.Certificate]) -> None:
    """Whether all but the first may issue certificates. Raises Forged, issuer_no_authority."""
    if not all(map(_authority, chain[1:])):
        raise Forged("issuer_no_authority")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer` is its issuer by name and by signature."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _authority(certificate: x509.Certificate) -> bool:
    """Whether it may issue certificates: basicConstraints say so, and keyUsage where it is there."""
    may, usage = False, True
    for found in certificate.extensions:
        if isinstance(found.value, x509.BasicConstraints):
            may = found.value.ca
        elif isinstance(found.value, x509.KeyUsage):
            usage = found.value.key_cert_sign
    return may and usage


def _same(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    """Whether it is the root, maybe issued anew: name and key decide (RFC 5280 section 6.1.1 d)."""
    return certificate.subject == root.subject and spki(certificate) == spki(root)
