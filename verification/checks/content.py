"""content: the picture shows what was asked for, as far as that can be told without a language model.

Stops: pictures of something else where the asked-for thing carries writing, or where examples of it
exist (one of them handed back is `handed_back`'s matter).
How: the asker's example pictures are matched with the photograph by local features and geometry
(`measures.recognition`): the same sign, label, package or instrument face is recognised. The words of the
ask, those in quotation marks first, are sought in what is written in the scene. An optional judge
(`verification.judge`, off unless set) adds at most its cap. Nothing found is "unverified": most things asked
for carry no writing and look different each time.
Limits: whoever reads the ask can write its words on a sheet, so they say little. Likeness of kind ("a ship")
is not judged: none of eight global descriptors (mean and second moment of XFeat features, dense and by grid,
colour histogram and layout, gradients) told 50 pairs of one kind from 1,381 others usefully (area under the
curve 0.50 to 0.66; at 1 % false alarms 8 % found at best). Words in a picture are compared, never obeyed.
Source: TRUTH 2f; XFeat (Potje et al., CVPR 2024).
"""

from __future__ import annotations

import re

from verification.case import Case
from verification.codes import clean
from verification.evidence import Family, Outcome, abstain, ok
from verification.judge import addresses_a_reader, weighed
from verification.measures.album import looks_of, own_look
from verification.measures.recognition import recognise
from verification.picture import Picture
from verification.registry import check

MOST = 3  # examples looked at
EXAMPLE = 0.6  # nats for the same thing as in an example
LETTER, QUOTED, WORDS = 0.04, 0.1, 0.6  # nats for a letter of a found word, of a quoted one, and at most
_QUOTED = re.compile(
    '["\u201c\u201d\u00ab\u00bb]([^"\u201c\u201d\u00ab\u00bb]{3,80})["\u201c\u201d\u00ab\u00bb]'
)
_WORD = re.compile(r"[^\W\d_]{4,}|\d{3,}")
_INSIDE = 6  # letters from which a word is also found inside run-together writing
_ORDINARY = """
about above across along also among area around arrive available away back been before behind being below
beside between board both camera capture close come condition could currently does door down each enter
entrance every from front full give have here image inside into just know left like look looks main make
many minute minutes more most much name near need next number only onto over past people person photo
photograph photos picture pictures place please present price queue read real right send should show
shown shows side sign sitting some stand standing still street take taken tell text than that their them
there these they thing this those through time today toward towards under very view visible waiting walk
walking want were what when where whether which while will with within without work working would write
written your
"""
_PLAIN = frozenset(_ORDINARY.split())  # words of asks that stand on signs for other reasons


@check("content", family=Family.CONTENT, version="4", cost=2, kinds={"photo", "video"}, bounds=(-2.0, 1.3))
def content(case: Case) -> Outcome:
    """OK "shows_example", "words_seen" or "judged"; abstains "no_picture", "unverified"."""
    if case.picture is None:
        return abstain("no_picture")
    example = _example(case)
    texts = _read(case, case.picture)
    words = said(case.evidence.terms.ask, texts)
    opinion = _opinion(case, texts)
    total = (EXAMPLE if example else 0.0) + words + opinion
    if example or words:
        reason = "shows_example" if example else "words_seen"
        return ok(total, reason, words=round(words, 2), judge=round(opinion, 2))
    if opinion:
        return ok(opinion, "judged")
    return abstain("unverified", texts=len(texts))


def _read(case: Case, picture: Picture) -> list[str]:
    """What is written in the picture; not read where no word is sought and no judge is to be warned of it."""
    if not any(wanted(case.evidence.terms.ask)) and case.tools.judge is None:
        return []
    return [text.text for text in case.tools.reader.read(picture.rgb)]


def wanted(ask: str) -> tuple[set[str], set[str]]:
    """What of an ask is sought in writing: what it quotes, and its other words that are not ordinary."""
    quoted = {clean(phrase) for phrase in _QUOTED.findall(ask)} - {""}
    return quoted, {word.casefold() for word in _WORD.findall(_QUOTED.sub(" ", ask))} - _PLAIN


def said(ask: str, texts: list[str]) -> float:
    """Nats for the words of the ask that stand in the texts."""
    quoted, words = wanted(ask)
    tokens = {token for text in texts for token in re.findall(r"\w+", text.casefold())}
    together = [clean(text) for text in texts]
    whole = clean("".join(texts))
    found = [len(p) * QUOTED for p in quoted if any(p in line for line in together) or p in whole]
    for word in words:
        inside = len(word) >= _INSIDE and any(clean(word) in line for line in together)
        if word in tokens or inside:
            found.append(len(word) * LETTER)
    return min(WORDS, sum(found))


def _example(case: Case) -> bool:
    """Whether an example shows the same thing."""
    given, engine = case.evidence.examples[:MOST], case.tools.engine
    if not given or case.picture is None:
        return False
    own = own_look(case)
    return any(
        recognise(own.landmarks, seen.landmarks, engine).strength >= 1 for seen in looks_of(given, case)
    )


def _opinion(case: Case, texts: list[str]) -> float:
    """Nats of the judge, if there is one."""
    judge = case.tools.judge
    if judge is None or case.picture is None:
        return 0.0
    probability = judge.shows(case.evidence.terms.ask, case.picture.rgb)
    return weighed(probability, commanded=addresses_a_reader(texts))
