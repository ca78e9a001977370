"""Certificate authorities in miniature, for makers of phones and for time stampers: a root and one below it.

maker = found("Simulated Maker")
leaf = maker.issue("a key", key.public_key(), extensions=[(extension, critical)])
maker.chain(leaf)                               # leaf and intermediate; the root stays home
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

SINCE, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC)
Key = ec.EllipticCurvePrivateKey
Extensions = Sequence[tuple[x509.ExtensionType, bool]]


@dataclass(frozen=True, slots=True)
class Authority:
    """A root, and the intermediate that issues."""

    root: x509.Certificate
    intermediate: x509.Certificate
    key: Key

    @property
    def root_pem(self) -> bytes:
        """The root, as it stands in a trust folder."""
        return self.root.public_bytes(Encoding.PEM)

    def issue(
        self,
        name: str,
        public_key: ec.EllipticCurvePublicKey,
        extensions: Extensions = (),
        *,
        until: datetime = UNTIL,
    ) -> x509.Certificate:
        """A certificate for a key that is no authority."""
        return issue(self.intermediate, self.key, name, public_key, extensions, until=until)

    def chain(self, leaf: x509.Certificate, *, whole: bool = False) -> list[x509.Certificate]:
        """The leaf and the intermediate; `whole` with the root."""
        return [leaf, self.intermediate, *([self.root] if whole else [])]


def new_key() -> Key:
    """A fresh key of P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def found(name: str) -> Authority:
    """A new authority; two of one name share nothing but the name, as a forger's and the real one do."""
    root_key, key = new_key(), new_key()
    root = issue(None, root_key, f"{name} Root", root_key.public_key(), authority=True)
    return Authority(
        root, issue(root, root_key, f"{name} Intermediate", key.public_key(), authority=True), key
    )


def issue(
    issuer: x509.Certificate | None,
    issuer_key: Key,
    name: str,
    public_key: ec.EllipticCurvePublicKey,
    extensions: Extensions = (),
    *,
    authority: bool = False,
    may_sign: bool | None = None,
    until: datetime = UNTIL,
) -> x509.Certificate:
    """A certificate by any issuer, whether it is allowed to issue or not; None signs itself.

    Args:
        may_sign: whether its key usage is for certificates; as `authority` says unless told.
    """
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(SINCE)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(key_usage(certificates=authority if may_sign is None else may_sign), critical=True)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer_key, hashes.SHA256())


def key_usage(*, certificates: bool) -> x509.KeyUsage:
    """What a key may sign: certificates, or else anything but certificates."""
    return x509.KeyUsage(
        digital_signature=not certificates,
        key_cert_sign=certificates,
        crl_sign=certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
