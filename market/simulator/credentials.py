"""Home-made C2PA authorities: an honest one for tests, and a forged one that bears its names.

    honest = new_authority("Acme Cameras", "Acme Root 1")
    Path("trust/acme.pem").write_bytes(honest.root_pem)     # now the market trusts it
    forged = forge(honest.root_pem)                         # same names, other keys
    jpeg = sign_c2pa(jpeg, forged)

A forged authority is what anybody can make in a minute, and what a verifier that compares names, or is
content with the state `Valid`, takes for the real one.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from market.simulator.authority import key_usage

_VALID = timedelta(days=365)
_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"


@dataclass(frozen=True, slots=True)
class Authority:
    """A root and one signing leaf under it, all PEM. `chain_pem` is leaf then root."""

    root_pem: bytes
    chain_pem: bytes
    key_pem: bytes


def new_authority(organisation: str, common_name: str, *, leaf: str = "Camera 1") -> Authority:
    """A fresh root of that name, and a leaf fit for C2PA (ES256; EKU emailProtection, as TRUTH 2a found)."""
    root_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, leaf_name = _name(organisation, common_name), _name(organisation, leaf)
    root = _root(root_name, root_key)
    signed = _leaf(leaf_name, leaf_key, root_name, root_key)
    pem = serialization.Encoding.PEM
    private = leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    root_pem = root.public_bytes(pem)
    return Authority(root_pem, signed.public_bytes(pem) + root_pem, private)


def forge(root_pem: bytes) -> Authority:
    """An authority with the names of the real root in `root_pem`, and nothing else of it."""
    names = x509.load_pem_x509_certificate(root_pem).subject
    organisation, common = (
        str(names.get_attributes_for_oid(oid)[0].value)
        for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
    )
    return new_authority(organisation, common)


def sign_c2pa(
    jpeg: bytes, authority: Authority, *, source: str = "digitalCapture", remote_url: str = ""
) -> bytes:
    """The JPEG with a C2PA manifest that says it was created as `source` (an IPTC digital source type).

    With a `remote_url` it holds nothing but that address of its manifest (in XMP).
    Each call leaks about 56 KB in the native library: not for long-lived processes.
    """
    created = {"action": "c2pa.created", "digitalSourceType": _SOURCE_TYPE + source}
    manifest = {
        "claim_generator_info": [{"name": "spotcheck-simulator", "version": "1"}],
        "format": "image/jpeg",
        "title": "capture.jpg",
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}],
    }
    quiet = {
        "verify": {"verify_after_sign": False, "remote_manifest_fetch": False, "ocsp_fetch": False},
        "builder": {"thumbnail": {"enabled": False}},
    }
    signer = c2pa.Signer.from_info(
        c2pa.C2paSignerInfo(b"es256", authority.chain_pem, authority.key_pem, None)
    )
    out = io.BytesIO()
    with c2pa.Builder(json.dumps(manifest), c2pa.Context.from_dict(quiet)) as builder:
        if remote_url:
            builder.set_no_embed()
            builder.set_remote_url(remote_url)
        builder.sign(signer, "image/jpeg", io.BytesIO(jpeg), out)
    return out.getvalue()


def _name(organisation: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _certificate(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _root(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    made = _certificate(name, key, name)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return made.add_extension(key_usage(certificates=True), critical=True).sign(key, hashes.SHA256())


def _leaf(
    name: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    made = _certificate(name, key, issuer)
    made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    made = made.add_extension(key_usage(certificates=False), critical=True)
    made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return made.add_extension(issued_by, critical=False).sign(issuer_key, hashes.SHA256())
