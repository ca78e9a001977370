"""Looks of the pictures an asker gives along: they come again with every capture of the bounty.

Each costs a pass through the sandboxed decoder and the net, so the last ones are kept by the hash of their
bytes and the engine that saw them.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from verification.case import Case
from verification.matching.registration import Look, look
from verification.matching.residue import residue
from verification.picture import Undecodable

KEPT = 32  # of about 0.6 MB
_looks: OrderedDict[tuple[str, str], Look | None] = OrderedDict()
_lock = threading.Lock()


def looks_of(pictures: Sequence[bytes], case: Case) -> list[Look]:
    """Looks, with their noise, of those encoded pictures that can be decoded, in order."""
    return [seen for seen in (_look_of(data, case) for data in pictures) if seen is not None]


def own_look(case: Case) -> Look:
    """The Look of the capture under examination.

    Raises:
        ValueError: it has no picture.
    """
    if case.picture is None:
        raise ValueError("a capture without a picture has no look")
    return case.tools.memory.look_of(case.evidence.capture) or look(case.picture.rgb, case.tools.engine)


def _look_of(data: bytes, case: Case) -> Look | None:
    key = (hashlib.sha256(data).hexdigest(), case.tools.engine.reason)
    with _lock:
        if key in _looks:
            _looks.move_to_end(key)
            return _looks[key]
    try:
        rgb = case.tools.decoder.open(data).rgb
        seen = replace(look(rgb, case.tools.engine), residue=residue(rgb))
    except Undecodable:
        seen = None
    with _lock:
        _looks[key] = seen
        while len(_looks) > KEPT:
            _looks.popitem(last=False)
    return seen
