"""The challenge code: six characters a person writes on paper, and how well a reading fits one.

The market's alphabet leaves out every character that is easily taken for another (0 O Q D, 1 I L, 2 Z, 5 S,
6 G, 8 B, U V), so 19 are left: 19^6 = 47,045,881 codes. A reading is compared by edit distance in which
a likely misreading costs little, and the fit is stated as the number of codes that would fit as well:
with that, the probability that a picture full of text fits by chance is a multiplication.

Outside the market a code may be any text that is `readable`. It is compared without case, blanks and
stops, and held to be drawn evenly from the smallest of these that has all its characters: digits, our
alphabet, letters, both. A word of a language is likelier than that to stand in a scene: it is a poor code.
"""

from __future__ import annotations

import math
import random
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

ALPHABET = "3479ACEFHJKMNPRTWXY"
LENGTH = 6
CODES: int = len(ALPHABET) ** LENGTH
SHORTEST, LONGEST = 4, 64  # characters of a code outside the market

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
# The same for characters beyond the alphabet: what is read as them they may be read as.
_LOOKS_LIKE = _READ_AS | {
    seen: "".join(wanted for wanted, others in _READ_AS.items() if seen in others)[:7]
    for seen in sorted({letter for others in _READ_AS.values() for letter in others} - _READ_AS.keys())
}
# How many of all codes lie within a cost of one reading, at most (no character is a likely misreading of
# more than 7; sums over the ways to place that many misreadings, wrong characters and gaps): cost -> codes.
_FITTING = ((0.0, 1), (0.35, 43), (0.7, 800), (1.05, 8_000), (1.4, 50_000), (1.75, 230_000), (2.1, 960_000))
_LIKELY = 8  # characters that one character may be a likely misreading of, at most
_BETWEEN = "-_.,:;'\"|\u2013\u2014\u2019\u00b7"


def new_code(source: random.Random | None = None) -> str:
    """A fresh code, from the system's randomness unless told."""
    chosen = source or secrets.SystemRandom()
    return "".join(chosen.choice(ALPHABET) for _ in range(LENGTH))


def new_pan(source: random.Random | None = None) -> str:
    """A fresh order: two turns, letters of LRUD (left, right, up, down), then a step aside, "<" left or ">"
    right: 24 of them.

    One turn twice running would look like one long turn. A step shows depth, which turns do not.
    """
    chance = source or secrets.SystemRandom()
    return "".join(chance.sample("LRUD", 2)) + chance.choice("<>")


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
    """Where in `texts` (as read) `code` fits best. A code of no character but stops fits nowhere."""
    code = clean(code)
    best, text, places = float(len(code)), -1, 0
    for index, line in enumerate(map(clean, texts)):
        places += max(1, len(line) - len(code) + 1) if line else 0
        cost = _cost_within(code, line)
        if cost < best:
            best, text = cost, index
    chance = min(1.0, places * _share_within(code, best)) if text >= 0 else 1.0
    return Fit(text, best, places, chance)


def clean(text: str) -> str:
    """Upper case without the blanks, hyphens and stops people put between characters."""
    return "".join(letter for letter in text.upper() if not letter.isspace() and letter not in _BETWEEN)


def readable(text: str) -> bool:
    """Whether a code can be found where it stands: SHORTEST..LONGEST printable characters of ASCII that count
    (see `clean`), SHORTEST of them letters or digits.

    The reader knows few letters beyond these (Cyrillic and Persian digits it reads as others), and of three
    characters a clean reading proves nothing where there is other writing (`best_fit`).
    """
    counted = [letter for letter in text if not letter.isspace() and letter not in _BETWEEN]
    return (
        len(counted) <= LONGEST
        and all("!" <= letter <= "~" for letter in counted)
        and sum(map(str.isalnum, counted)) >= SHORTEST
    )


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
    return _ALIKE_COST if seen in _LOOKS_LIKE.get(wanted, "") else _WRONG_COST


def _share_within(code: str, cost: float) -> float:
    """The share of all codes like this one that lie within a cost of one reading, at most."""
    if len(code) == LENGTH and set(code) <= set(ALPHABET):
        return next((codes for limit, codes in _FITTING if cost <= limit + 1e-9), CODES) / CODES
    length, letters = len(code), _letters(code)
    wrong = 2 * letters + 1  # another character, one too many, or one too few
    within: int = sum(
        math.comb(length, alike) * _LIKELY**alike * math.comb(length, edits) * wrong**edits
        for edits in range(min(length, int(cost + 1e-9)) + 1)
        for alike in range(min(length, int((cost - edits + 1e-9) / _ALIKE_COST)) + 1)
    )
    return min(1.0, float(within / letters**length))


def _letters(code: str) -> int:
    """How many characters the smallest usual alphabet has that all of the code's are in."""
    digits, letters = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    held = (len(kind) for kind in (digits, ALPHABET, letters) if set(code) <= set(kind))
    return next(held, len(digits) + len(letters))
