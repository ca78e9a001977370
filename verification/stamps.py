"""RFC 3161 timestamps: a third party's word that some bytes existed at some time.

`read` takes a response (TimeStampResp) or a bare token, as files of both kinds are about. The library is
strict about DER: tokens whose certificates stand in the order of their chain, as `openssl ts -reply` with
`certs=` writes them, cannot be read (TRUTH 2), and are as good as none.
Source: RFC 3161 section 2.4.2; rfc3161-client (Trail of Bits), which verifies with OpenSSL and checks that
    the
signer's certificate is for time stamping.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import rfc3161_client
from cryptography import x509
from rfc3161_client import PKIStatus, VerificationError

from verification.attestation import chain as chains
from verification.attestation import der
from verification.attestation.errors import Doubt, Forged, Malformed

MAX_BYTES = 65_536
_HASHES = {
    "2.16.840.1.101.3.4.2.1": hashlib.sha256,
    "2.16.840.1.101.3.4.2.2": hashlib.sha384,
    "2.16.840.1.101.3.4.2.3": hashlib.sha512,
}
_GRANTED_EMPTY = b"\x30\x03\x02\x01\x00"  # PKIStatusInfo { granted }


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a response says; nothing of it is verified yet.

    Attributes:
        algorithm: of the imprint, as a dotted object identifier.
        at / accuracy: the time stamped, and how far from it the authority may be off.
        certificates: those that came with it.
    """

    response: rfc3161_client.TimeStampResponse
    algorithm: str
    imprint: bytes
    at: datetime
    accuracy: timedelta
    certificates: tuple[x509.Certificate, ...]


def read(data: bytes) -> Stamp:
    """Reads a response or a token.

    Raises:
        Malformed: it is neither, or not in strict DER.
        Doubt: a response that grants nothing: stamp_not_granted.
    """
    if len(data) > MAX_BYTES:
        raise Malformed("too large for a timestamp")
    parts = der.only(data).sequence()
    if parts and (parts[0].kind, parts[0].tag) == (der.UNIVERSAL, der.OID):
        data = _response(data)
    elif not parts or _status(parts[0]) != PKIStatus.GRANTED:
        raise Doubt("stamp_not_granted")
    try:
        response = rfc3161_client.decode_timestamp_response(data)
        info, encoded = response.tst_info, sorted(response.signed_data.certificates)
        accuracy, imprint = info.accuracy, info.message_imprint
        return Stamp(
            response,
            imprint.hash_algorithm.dotted_string,
            imprint.message,
            info.gen_time.astimezone(UTC),
            _span(accuracy),
            tuple(chains.certificates(encoded)) if encoded else (),
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise Malformed("no timestamp that can be read") from error


def covers(stamp: Stamp, candidates: Sequence[bytes]) -> bool:
    """Whether the imprint is of one of these byte strings.

    Raises:
        Doubt: an algorithm we do not take: stamp_hash_unknown.
    """
    make = _HASHES.get(stamp.algorithm)
    if make is None:
        raise Doubt("stamp_hash_unknown")
    return any(make(one).digest() == stamp.imprint for one in candidates)


def verify(stamp: Stamp, roots: Sequence[x509.Certificate], revoked: frozenset[int]) -> None:
    """Whether an authority that we know signed it.

    1. it holds the certificates to tell: else stamp_without_certificates;
    2. signature, chain, purpose and dates hold: else forged where it bears a root's name, stamp_forged, and
       unknown where it does not: stamp_authority_unknown;
    3. none of its certificates is revoked: else stamp_signer_revoked.

    Raises:
        Doubt, Forged: the first step that fails.
    """
    if not stamp.certificates:
        raise Doubt("stamp_without_certificates")
    if not roots:
        raise Doubt("stamp_authority_unknown")
    verifier = rfc3161_client.VerifierBuilder(roots=list(roots)).build()
    try:
        verifier.verify(stamp.response, stamp.imprint)
    except (VerificationError, ValueError, TypeError, x509.DuplicateExtension):
        names = {name for one in stamp.certificates for name in (one.subject, one.issuer)}
        borrowed = names & {root.subject for root in roots}
        raise (Forged("stamp_forged") if borrowed else Doubt("stamp_authority_unknown")) from None
    if {one.serial_number for one in stamp.certificates} & revoked:
        raise Doubt("stamp_signer_revoked")


def _status(info: der.Value) -> int:
    """The number of a PKIStatusInfo."""
    parts = info.sequence()
    return parts[0].number() if parts else -1


def _span(accuracy: rfc3161_client.Accuracy | None) -> timedelta:
    """None is accurate to the second that it says (section 2.4.2 leaves it to the policy)."""
    if accuracy is None:
        return timedelta(0)
    return timedelta(
        seconds=min(accuracy.seconds or 0, 86_400),
        milliseconds=accuracy.millis or 0,
        microseconds=accuracy.micros or 0,
    )


def _response(token: bytes) -> bytes:
    """The response that would have held a token."""
    content = _GRANTED_EMPTY + token
    size = (len(content).bit_length() + 7) // 8
    long = len(content) >= 0x80
    head = bytes([0x80 | size]) + len(content).to_bytes(size, "big") if long else bytes([len(content)])
    return b"\x30" + head + content
