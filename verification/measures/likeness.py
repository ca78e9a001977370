"""How an answer compares with what was read: the same, nearly the same, or something else of its kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from verification.codes import clean

_NUMBER = re.compile(r"(?<![\w.,])[-+\u2212]?\d+(?:[.,]\d+)*")
_LOOSE = re.compile(r"\d+(?:[.,:\-]\d+)*")  # also where letters touch it: "14,93m3"
_NEAR_NUMBER = 1  # digits that differ
_NEAR_TEXT = 0.2  # share of letters that differ
_KIND = 3  # digits from which a number can be taken for another at all


class Likeness(StrEnum):
    """The closest thing read."""

    SAME = "same"
    POINT = "point"  # the digits are the same, the decimal point is not or was not seen
    NEAR = "near"  # one digit, or a few letters, differ
    OTHER = "other"  # something of this kind was read, not this
    NOTHING = "nothing"


def number_in(value: float, texts: Iterable[str]) -> Likeness:
    """The closest number written in the texts."""
    texts = list(texts)
    spelled = [number for text in texts for number in _NUMBER.findall(text)]
    if any(equal(value, number) for number in spelled):
        return Likeness.SAME
    wanted = significant(f"{value:.9f}".rstrip("0").rstrip("."))
    read = [significant(number) for text in texts for number in _LOOSE.findall(text)]
    if len(wanted) < 2:
        return Likeness.NOTHING
    if any(number == wanted or (value % 1 and number.rstrip("0") == wanted) for number in read):
        return Likeness.POINT
    if len(wanted) < _KIND:
        return Likeness.NOTHING
    if any(_near(wanted, number) for number in read):
        return Likeness.NEAR
    return Likeness.OTHER if any(abs(len(n) - len(wanted)) <= 1 for n in read) else Likeness.NOTHING


def rivals(value: float, texts: Iterable[str]) -> int:
    """How many other numbers, about as long, are written in the texts."""
    wanted = len(significant(f"{value:g}"))
    spelled = {number for text in texts for number in _NUMBER.findall(text) if not equal(value, number)}
    return sum(abs(len(significant(number)) - wanted) <= 1 for number in spelled if wanted >= _KIND)


def text_in(wanted: str, texts: Iterable[str]) -> Likeness:
    """The closest writing: `wanted` within a piece or across pieces, or with a few other letters."""
    texts, sought = list(texts), clean(wanted)
    lines = [clean(text) for text in texts] + [clean("".join(texts))]
    if any(sought in line for line in lines):
        return Likeness.SAME
    if len(sought) < 5:
        return Likeness.NOTHING
    closest = min((edits(sought, line) for line in lines if line), default=len(sought))
    return Likeness.NEAR if closest <= max(1, int(_NEAR_TEXT * len(sought))) else Likeness.NOTHING


def written(choice: str, texts: Iterable[str]) -> bool:
    """Whether the words of a choice stand among the texts, whole and in order: "open" is not in "opening"."""
    wanted, read = _words(choice), [word for text in texts for word in _words(text)]
    return any(read[at : at + len(wanted)] == wanted for at in range(len(read) - len(wanted) + 1))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def equal(value: float, spelled: str) -> bool:
    """Whether a spelling such as "1,013.5" or "21,4" can mean the value."""
    return any(abs(meaning - value) <= 1e-9 * max(1.0, abs(value)) for meaning in _meanings(spelled))


def significant(spelled: str) -> str:
    """The digits of a spelling without leading noughts and without what stands between them."""
    return re.sub(r"\D", "", spelled).lstrip("0")


def edits(wanted: str, line: str) -> int:
    """The smallest edit distance between `wanted` and any part of `line` (Sellers 1980).

    A row at once, for a stranger chooses both: his answer, and the codes in his picture.
    """
    seen, places = _letters(line), np.arange(len(line) + 1, dtype=np.int32)
    above = np.zeros_like(places)
    for row, letter in enumerate(_letters(wanted).tolist(), start=1):
        here = np.minimum(above[:-1] + (seen != letter), above[1:] + 1)
        here = np.concatenate([places[:1] + row, here])
        above = np.minimum.accumulate(here - places) + places  # or one more than what stands to the left
    return int(above.min())


def _letters(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _near(wanted: str, read: str) -> bool:
    """As long, and one digit differs; or one digit is missing or too many."""
    if len(wanted) == len(read):
        return sum(a != b for a, b in zip(wanted, read, strict=True)) <= _NEAR_NUMBER
    longer, shorter = (wanted, read) if len(wanted) > len(read) else (read, wanted)
    at_most_one = len(longer) - len(shorter) == 1
    return at_most_one and any(longer[:n] + longer[n + 1 :] == shorter for n in range(len(longer)))


def _meanings(spelled: str) -> Iterator[float]:
    plain = spelled.replace("\u2212", "-")
    forms = {plain.replace(",", ""), plain.replace(".", "").replace(",", ".")}
    if plain.count(",") == 1:
        forms.add(plain.replace(",", "."))
    for form in forms:
        try:
            yield float(form)
        except ValueError:
            continue
