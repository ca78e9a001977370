"""A camera maker's certificate authority in miniature, and a camera that signs with it (C2PA)."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CAPTURED = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
OFFLINE = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "builder": {"thumbnail": {"enabled": False}},
}


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Camera Company"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


@dataclass(frozen=True)
class Authority:
    """A root and one camera certificate under it."""

    root: x509.Certificate
    leaf: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def root_pem(self) -> bytes:
        return self.root.public_bytes(Encoding.PEM)

    def sign(self, picture: bytes, source: str = CAPTURED, media_type: str = "image/jpeg") -> bytes:
        """The picture with a manifest that says how it came to be."""
        builder = self._builder({"action": "c2pa.created", "digitalSourceType": source})
        return self._signed(picture, builder, media_type)

    def sign_edit_of(self, jpeg: bytes, original: bytes) -> bytes:
        """The picture as an edit of a signed original, whose manifest becomes an ingredient."""
        builder = self._builder({"action": "c2pa.opened", "parameters": {"ingredientIds": ["original"]}})
        ingredient = {"title": "original", "relationship": "parentOf", "label": "original"}
        builder.add_ingredient(json.dumps(ingredient), "image/jpeg", io.BytesIO(original))
        return self._signed(jpeg, builder)

    def sign_elsewhere(self, jpeg: bytes) -> bytes:
        """The picture with nothing but the address of a manifest."""
        builder = self._builder({"action": "c2pa.created", "digitalSourceType": CAPTURED})
        builder.set_no_embed()
        builder.set_remote_url("http://127.0.0.1:9/manifest.c2pa")
        return self._signed(jpeg, builder)

    def _builder(self, action: dict[str, object]) -> c2pa.Builder:
        manifest = {
            "claim_generator_info": [{"name": "test camera", "version": "1"}],
            "title": "capture",
            "assertions": [
                {"label": "c2pa.actions.v2", "data": {"actions": [action]}},
                {"label": "org.test.place", "data": {"place": "GREENWICH"}},
            ],
        }
        return c2pa.Builder(json.dumps(manifest), c2pa.Context.from_dict(OFFLINE))

    def _signed(self, picture: bytes, builder: c2pa.Builder, media_type: str = "image/jpeg") -> bytes:
        chain = self.leaf.public_bytes(Encoding.PEM) + self.root_pem
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", chain, key, None))
        out = io.BytesIO()
        builder.sign(signer, media_type, io.BytesIO(picture), out)
        builder.close()
        return out.getvalue()


def found() -> Authority:
    """A new authority; every one bears the same names, as a forger's would."""
    now = datetime.now(UTC)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    common = (now - timedelta(days=1), now + timedelta(days=365))
    root = (
        _begun("Test Camera Root", root_key.public_key(), common)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(certificates=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        _begun("Test Camera 7", key.public_key(), common)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
        )
        .sign(root_key, hashes.SHA256())
    )
    return Authority(root, leaf, key)


def _begun(
    common: str, key: ec.EllipticCurvePublicKey, valid: tuple[datetime, datetime]
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(_name(common)).issuer_name(_name("Test Camera Root"))
    builder = builder.public_key(key).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(valid[0]).not_valid_after(valid[1])
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )
