"""How parent and child speak: 4 bytes header length, 8 bytes body length, JSON header, body."""

from __future__ import annotations

import json
import struct
from typing import Any

FRAME = struct.Struct(">IQ")


def frame(header: dict[str, Any], body: bytes) -> bytes:
    """One message. Raises ValueError when the header holds a NaN or an infinity."""
    text = json.dumps(header, allow_nan=False).encode()
    return FRAME.pack(len(text), len(body)) + text + body
