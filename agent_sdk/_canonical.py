"""One JSON text for one JSON value, so that equal values have equal hashes."""

from __future__ import annotations

import hashlib
import json


def canonical(value: object) -> bytes:
    """UTF-8 JSON with sorted keys, no spaces and no escapes but the needed ones.

    Raises:
        ValueError: NaN or an infinity, which JSON does not have. TypeError: not a JSON value.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def fingerprint(value: object) -> str:
    """Hex SHA-256 of the canonical text."""
    return hashlib.sha256(canonical(value)).hexdigest()
