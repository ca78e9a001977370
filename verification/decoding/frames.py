"""How parent and child speak: 4 bytes header length, 8 bytes body length, JSON header, body."""

from __future__ import annotations

import json
import struct
from typing import Any

FRAME = struct.Struct(">IQ")


def head(header: dict[str, Any], size: int) -> bytes:
    """A message up to its body of `size` bytes.

    Raises:
        ValueError: the header holds a NaN or an infinity.
    """
    text = json.dumps(header, allow_nan=False).encode()
    return FRAME.pack(len(text), size) + text
