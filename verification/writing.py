"""What was read in a picture, as values: pieces of writing and how they join into lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

_REACH = 1.3  # of its height: how far beyond a piece the next one of the same line may begin
_PARTS = 6  # a code is torn into at most so many


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """Something written.

    Attributes:
        text: as read; untrusted.
        confidence: 0..1 by the reader's own account; 1 for a code, whose checksum fitted.
        box: float32[4, 2], corners in pixels, clockwise from the writing's top left.
        kind: "text" for writing, "code" for a QR or other code.
    """

    text: str
    confidence: float
    box: npt.NDArray[np.float32]
    kind: Literal["text", "code"] = "text"


def joined(texts: Sequence[Text]) -> list[Text]:
    """Longer pieces made of neighbours on one (perhaps slanting) line; the pieces alone are not repeated."""
    pieces = [text for text in texts if text.kind == "text"]
    longer = []
    for start in pieces:
        chain = start
        for _ in range(_PARTS - 1):
            following = _following(chain, pieces)
            if following is None:
                break
            corners = [chain.box[0], following.box[1], following.box[2], chain.box[3]]
            sure = min(chain.confidence, following.confidence)
            chain = Text(chain.text + following.text, sure, np.stack(corners))
            longer.append(chain)
    return longer


def _following(chain: Text, pieces: Sequence[Text]) -> Text | None:
    """The piece that begins nearest to where the chain ends, at about its height; None when none is near."""
    end = (chain.box[1] + chain.box[2]) / 2
    height = float(np.linalg.norm(chain.box[2] - chain.box[1]))
    best, nearest = None, _REACH * height
    for piece in pieces:
        tall = float(np.linalg.norm(piece.box[3] - piece.box[0]))
        begin = (piece.box[0] + piece.box[3]) / 2
        gap = float(np.linalg.norm(begin - end))
        ahead = float((piece.box[1] + piece.box[2] - piece.box[0] - piece.box[3]) @ (begin - chain.box[0]))
        if (
            gap < nearest
            and ahead > 0
            and 0.4 * height <= tall <= 2.5 * height
            and begin[0] > chain.box[0][0]
        ):
            best, nearest = piece, gap
    return best
