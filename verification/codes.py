"""The challenge code: six characters a person writes on paper, and how well a reading fits one.

The alphabet leaves out every character that is easily taken for another (0 O Q D, 1 I L, 2 Z, 5 S,
6 G, 8 B, U V), so 19 are left: 19^6 = 47,045,881 codes. A reading is compared by edit distance in which
a likely misreading costs little, and the fit is stated as the number of codes that would fit as well:
with that, the probability that a picture full of text fits by chance is a multiplication.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

ALPHABET = "3479ACEFHJKMNPRTWXY"
LENGTH = 6
CODES: int = len(ALPHABET) ** LENGTH

_ALIKE_COST = 0.35
_WRONG_COST = 1.0
_GAP_COST = 1.0
# What each character of the alphabet is often read as (print and hand, PP-OCR among others).
_READ_AS = {
    "3": "82BSZJ5",
    "4": "YHAL9U+1",
    "7": "1TZIF?/2)",
    "9": "4GQP7J",
    "A": "4RHN",
    "C": "GLO0(<E6",
    "E": "FCB6GL",
    "F": "PET7R",
    "H": "NMAWKU4",
    "J": "IU13]DT7)",
    "K": "XRHNY",
    "M": "NWHU",
    "N": "HMWUVA",
    "P": "FRDO9B",
    "R": "AKPBN",
    "T": "7FIYJ1+",
    "W": "MNUVH",
    "X": "KYV*%",
    "Y": "4VXTUJ",
}
# How many of all codes lie within a cost of one reading, at most (no character is a likely misreading of
# more than 7; sums over the ways to place that many misreadings, wrong characters and gaps): cost -> codes.
_FITTING = ((0.0, 1), (0.35, 43), (0.7, 800), (1.05, 8_000), (1.4, 50_000), (1.75, 230_000), (2.1, 960_000))
_BETWEEN = "-_.,:;'\"|\u2013\u2014\u2019\u00b7"


def new_code(source: random.Random | None = None) -> str:
    """A fresh code, from the system's randomness unless told."""
    chosen = source or secrets.SystemRandom()
    return "".join(chosen.choice(ALPHABET) for _ in range(LENGTH))


@dataclass(frozen=True, slots=True)
class Fit:
    """How well the best place in some texts fits a code.

    Attributes:
        text: index of the text; -1 when there was none.
        cost: weighted edits: 0 exact, 0.35 for each likely misreading, 1 for any other edit.
        places: how many places were tried.
        chance: probability that a random code would have fitted as well somewhere.
    """

    text: int
    cost: float
    places: int
    chance: float


def best_fit(code: str, texts: Iterable[str]) -> Fit:
    """Where in `texts` (as read) `code` fits best."""
    best, text, places = float(LENGTH), -1, 0
    for index, line in enumerate(map(clean, texts)):
        places += max(1, len(line) - LENGTH + 1) if line else 0
        cost = _cost_within(code, line)
        if cost < best:
            best, text = cost, index
    chance = min(1.0, places * _codes_within(best) / CODES) if text >= 0 else 1.0
    return Fit(text, best, places, chance)


def clean(text: str) -> str:
    """Upper case without the blanks, hyphens and stops people put between characters."""
    return "".join(letter for letter in text.upper() if not letter.isspace() and letter not in _BETWEEN)


def _cost_within(code: str, line: str) -> float:
    """The smallest weighted edit distance between `code` and any part of `line` (Sellers 1980)."""
    above = [0.0] * (len(line) + 1)
    for row, wanted in enumerate(code, start=1):
        here = [row * _GAP_COST]
        for column, seen in enumerate(line, start=1):
            here.append(
                min(
                    above[column - 1] + _misread(wanted, seen),
                    above[column] + _GAP_COST,
                    here[column - 1] + _GAP_COST,
                )
            )
        above = here
    return round(min(above), 4)


def _misread(wanted: str, seen: str) -> float:
    if wanted == seen:
        return 0.0
    return _ALIKE_COST if seen in _READ_AS.get(wanted, "") else _WRONG_COST


def _codes_within(cost: float) -> int:
    for limit, codes in _FITTING:
        if cost <= limit + 1e-9:
            return codes
    return CODES
