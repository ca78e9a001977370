"""Keys and signatures as devices make them: DER public keys, raw r||s signatures, and the wrong forms too."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def spki(key: object) -> bytes:
    """The public key as DER SubjectPublicKeyInfo."""
    assert isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey)
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def compressed(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The same public key with its point compressed: other DER bytes that OpenSSL reads just as well."""
    whole = spki(key)
    algorithm = whole[2 : 4 + whole[3]]
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    bits = b"\x03" + bytes([len(point) + 1]) + b"\x00" + point
    return b"\x30" + bytes([len(algorithm) + len(bits)]) + algorithm + bits


def der(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """An ECDSA signature as OpenSSL writes it: a DER sequence, not what WebCrypto makes."""
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


def raw(key: object, message: bytes) -> bytes:
    """A signature as a device sends it: 64 bytes r||s for ECDSA over SHA-256, Ed25519's own 64 bytes."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(der(key, message))
        size = (key.curve.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    return key.sign(message)
