"""A phone's key and what it signs, the same for the same seed.

ES256 as WebCrypto signs it (r||s), with the nonce of RFC 6979, so that a sample's bytes depend on its
seed alone. Such keys are for simulated captures: a real one comes from the system's randomness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256's group


@dataclass(frozen=True, slots=True)
class Key:
    """A device's private key, "ES256" or "Ed25519"."""

    algorithm: str
    private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

    @classmethod
    def make(cls, rng: np.random.Generator, algorithm: str = "ES256") -> Key:
        """A key drawn from `rng`."""
        seed = rng.bytes(32)
        if algorithm == "Ed25519":
            return cls(algorithm, ed25519.Ed25519PrivateKey.from_private_bytes(seed))
        number = int.from_bytes(seed, "big") % (_ORDER - 1) + 1
        return cls(algorithm, ec.derive_private_key(number, ec.SECP256R1()))

    @property
    def spki(self) -> bytes:
        """The public key as DER SubjectPublicKeyInfo."""
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, message: bytes) -> bytes:
        """64 bytes: r||s, or Ed25519's own."""
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(message)
        der = self.private.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        r, s = decode_dss_signature(der)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
