"""Ways for a capture to be false, and which evidence speaks about which of them.

"Not genuine" is no single thing: what tells a screen from a scene says nothing about the place a true scene
was filmed at. So each kind of evidence is weighed only against the frauds it can tell, and however much of
one kind there is, it never makes up for another that is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from verification.evidence import Family


class Fraud(StrEnum):
    """What is false about a capture that is not genuine."""

    FORGED = "forged"  # session, key, signature or file are not what they say
    COPIED = "copied"  # it was handed in before
    STAGED = "staged"  # what stood before the sensor was no scene: a screen, a print, a clip, a drawing
    ALTERED = "altered"  # a true picture was changed
    MISPLACED = "misplaced"  # a true scene, elsewhere or at another time


_ANY = frozenset(Fraud)
BEARS_ON: Mapping[Family, frozenset[Fraud]] = {
    Family.INTEGRITY: frozenset({Fraud.FORGED}),
    Family.SESSION: frozenset({Fraud.FORGED}),
    Family.PLACE: frozenset({Fraud.MISPLACED}),
    Family.TIME: frozenset({Fraud.FORGED, Fraud.MISPLACED}),
    Family.PROVENANCE: frozenset({Fraud.FORGED, Fraud.STAGED, Fraud.ALTERED}),
    Family.METADATA: _ANY,
    Family.ATTESTATION: frozenset({Fraud.FORGED, Fraud.STAGED}),
    Family.CHALLENGE: frozenset({Fraud.STAGED}),  # a code can be drawn into a copy
    Family.MOVES: frozenset({Fraud.STAGED}),
    Family.MOTION: frozenset({Fraud.STAGED}),
    Family.BELONGING: frozenset({Fraud.STAGED, Fraud.ALTERED}),
    Family.DEPTH: frozenset({Fraud.STAGED}),
    Family.LIGHT: frozenset({Fraud.STAGED}),
    Family.RECAPTURE: frozenset({Fraud.STAGED}),
    Family.SPLICE: frozenset({Fraud.STAGED, Fraud.ALTERED}),
    Family.SCENE: frozenset({Fraud.MISPLACED}),
    Family.DUPLICATE: frozenset({Fraud.COPIED}),
    Family.CAMERA: _ANY,
    Family.CONTENT: frozenset({Fraud.COPIED, Fraud.STAGED, Fraud.MISPLACED}),
    Family.BEHAVIOUR: _ANY,
    Family.STREAM: _ANY - {Fraud.MISPLACED},
}
"""Every family but those about the answer (`evidence.ABOUT_ANSWER`)."""
