"""Judges: models of others that may be asked whether a picture shows what was wanted. None is built in.

Off unless the worker's root puts one into `Tools.judge`: a model behind an OpenAI-compatible address, or one
loaded from a folder. Whatever it says moves the odds by at most CAP, so that no language model releases
money; and it answers with one number, because any text it writes would be a stranger's text.

Writing in a picture is data. A judge's client must send it the picture and the ask as separate data beside
its own fixed instruction, and read nothing but the number. That does not make it safe, so where the writing
in the scene speaks to a reader like a command (`addresses_a_reader`), a judge's word in favour is not
taken; its word against still is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Protocol

from verification.picture import Pixels

CAP = 0.4  # nats either way
_COMMANDS = re.compile(
    r"\b(ignore|disregard|forget|override|instructions?|prompts?|system|assistant|model|respond|reply|"
    r"verif(?:y|ied)|approved?|genuine|authentic|accept(?:ed)?|pay(?:ment)?|release)\b",
    re.IGNORECASE,
)
_ENOUGH = 2  # different such words


class Judge(Protocol):
    """A model that looks at a picture.

    Attributes:
        name: model and version, for the report.
    """

    name: str

    def shows(self, ask: str, rgb: Pixels) -> float | None:
        """Its probability 0..1 that uint8[h, w, 3] shows what `ask` wants; None when it cannot say.

        Implementations keep to a deadline of their own and answer None past it; they raise nothing.
        """
        ...


def weighed(probability: float | None, *, commanded: bool) -> float:
    """Nats that a judge's word is worth: its log-odds within CAP; 0 where it counts for nothing."""
    if probability is None or not 0 <= probability <= 1:
        return 0.0
    bounded = min(max(probability, 0.01), 0.99)
    nats = math.log(bounded / (1 - bounded))
    return min(max(nats, -CAP), 0.0 if commanded else CAP)


def addresses_a_reader(texts: Iterable[str]) -> bool:
    """Whether writing in a scene reads like a command to whoever judges it."""
    found = {word.casefold() for text in texts for word in _COMMANDS.findall(text)}
    return len(found) >= _ENOUGH
