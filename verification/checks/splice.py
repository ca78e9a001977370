"""splice: traces of an earlier life as a JPEG, in all of the picture or in parts of it, and of enlargement.

Stops: an object pasted into a downloaded picture that is saved again, a stored JPEG handed in anew, a
small picture enlarged to a camera's size.
How: DCT histograms on the file's own grid (`forensics.double_jpeg`: how periodic they are, and whether
all parts of the picture agree), interpolation lines in the second derivative (`forensics.resampling`).
Limits: no trace survives scaling down, a crop off the 8-pixel grid or a coarser last save, so a picture
fed through a virtual camera is seldom caught. Apps resave honest pictures: an earlier compression
alone counts little, and nothing here proves. Left out after measuring: noise-level maps (AUC .56 to .68 on
pasted pieces) and blocking at another grid phase (.49 after one more save); JPEG ghosts would see what
the map of double compression sees. Figures: bench/forensics.py.
Source: Popescu & Farid 2004; Lin et al. 2009; Gallagher 2005; TRUTH 2d.
"""

from __future__ import annotations

import numpy as np

from verification.case import Case
from verification.evidence import Family, Outcome, abstain, ok
from verification.forensics import double_jpeg, resampling
from verification.forensics.blocks import coefficients
from verification.picture import Grain
from verification.registry import check

SPREAD = ((0.2, 0.4, 1.0), (0.0, -0.6, -2.0))  # nats a coefficient -> nats
STRENGTH = ((0.1, 0.4, 2.0), (0.0, -0.5, -0.8))
LINE = ((4.5, 8.0), (0.0, -0.4))
SMALLEST = 256  # pixels


@check("splice", family=Family.SPLICE, version="1", cost=1, kinds={"photo"}, bounds=(-2.5, 0.2))
def splice(case: Case) -> Outcome:
    """OK "pieces_differ", "compressed_before", "resampled" or "one_piece"; else abstains."""
    grain = case.grain()
    if grain is None:
        return abstain("no_picture")
    if min(grain.ycbcr.shape[:2]) < SMALLEST:
        return abstain("too_small")
    llr, facts = _readings(grain)
    if not llr:
        return abstain("too_little_detail", **facts)
    reason, worst = min(llr.items(), key=lambda item: item[1])
    if worst > -0.2:
        return ok(0.1, "one_piece", **facts) if len(llr) == 3 else abstain("too_little_detail", **facts)
    # The map and the whole tell of one thing, the enlargement of another.
    again = min(llr.get("pieces_differ", 0.0), llr.get("compressed_before", 0.0))
    return ok(again + llr["resampled"], reason, **facts)


def _readings(grain: Grain) -> tuple[dict[str, float], dict[str, float]]:
    """Nats by reason (those that can be read), and the facts behind them."""
    line = resampling.line(grain.luminance)
    llr, facts = {"resampled": float(np.interp(line, *LINE))}, {"line": round(line, 1)}
    if not grain.tables:
        return llr, facts
    blocks = coefficients(grain)
    for reason, name, found, scale in (
        ("compressed_before", "strength", double_jpeg.strength(blocks), STRENGTH),
        ("pieces_differ", "spread", double_jpeg.spread(blocks), SPREAD),
    ):
        if found is not None:
            llr[reason], facts[name] = float(np.interp(found, *scale)), round(found, 3)
    return llr, facts
