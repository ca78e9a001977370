"""What this market does not publish: the policy hook every ask passes before it is stored.

A rules gate, not a classifier: it refuses the abuse classes seen in this field (surveillance of a
person, private homes, minors, credentials and identity proxies, restricted sites, danger to the
contributor) by words, and fails closed on text that hides itself. Its limits: a careful wording
passes, and so does any language but English; contributors can refuse any task for free, and
`docs/policy.md` says what is asked of them.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an ask is not published: a class of docs/policy.md and a sentence."""

    kind: str
    why: str


_HIDDEN = Refusal("hidden", "It is written so that its words cannot be read by a program.")
_KIN = (
    r"(ex|wife|husband|spouse|girlfriend|boyfriend|partner|roommate|flatmate|tenant|landlord|boss|colleague|"
    r"co-?worker|employee|worker|nanny|babysitter|daughter|son|sister|brother|mother|father|neighbou?r)s?"
)
_SOMEONE = rf"(him|her|them|someone|some ?body|every ?one|(wo)?m[ae]n|person|people|girl|guy|lady|{_KIN})"
_HOME = (
    r"(house|home|flat|apartment|villa|bedroom|bathroom|window|front door|driveway|garden|balcony|letter ?box|"
    r"mail ?box|garage|car)s?"
)
_CLASSES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "person",
        "It asks to watch, follow or identify a person.",
        (
            rf"\b(follow|stalk|tail|shadow|spy on|surveil|track|track down|watch|keep an eye on)\b.*\b{_SOMEONE}\b",
            rf"\b(my|his|her|their) {_KIN}\b",
            rf"\b(photo|picture|video|image|footage)s? of (the |a )?{_KIN}\b",
            r"\bwho (else )?(lives|is staying|sleeps|is sleeping|enters|leaves|visits|goes in|comes out|is with)\b",
            r"\bis (he|she) (home|at home|alone|there|with)\b",
            r"\bfaces?\b.*\b(of|every ?one|people|person|customers?|visitors?|protest(er)?s?|staff|m[ae]n)\b",
            r"\b(customers?|visitors?|protesters?|people|person|(wo)?m[ae]n|staff)('?s)? (faces?|names?|identity)\b",
            r"\b(face|identity|name)s? of (the|a|every|each|all|any)\b.*\b(m[ae]n|wom[ae]n|person|people|\w+ers?)\b",
            r"\b(licen[cs]e|number|registration) ?plates?\b",
        ),
    ),
    (
        "home",
        "It asks about a private home.",
        (
            rf"\b(his|her|their|someone('?s)?|neighbou?r('?s)?) {_HOME}\b",
            r"\b(into|through) (the |a |his |her |their )?(private |bedroom |living room )?windows?\b",
            r"\b(inside|into|interior of) (the |a |his |her |their )?(private )?(house|home|flat|apartment|bedroom)\b",
            r"\b(private|family) (home|house|residence|flat|apartment)s?\b",
            r"\b(home address|any ?(body|one) (at )?home|owners? .*\b(away|out|on holiday|on vacation))\b",
            r"\bname on (the )?(letter ?box|mail ?box|door ?bell|bell)\b",
        ),
    ),
    (
        "minor",
        "It asks for pictures of children or of places made for them.",
        (
            r"\b(child|children|childrens|kids?|minors?|toddlers?|bab(y|ies)|infants?|pupils?|teen(ager)?s?|school ?girls?|"
            r"school ?boys?|boys?|girls?|under ?age)\b",
            r"\b(schools?|kindergartens?|nursery|nurseries|playgrounds?|day ?cares?|creche|orphanage)\b",
        ),
    ),
    (
        "credential",
        "It asks for codes, accounts, documents or a false identity.",
        (
            r"\b(otp|one time (code|password)|(verification|sms|door|gate|access) codes?|2fa|passwords?|passcodes?|"
            r"pin codes?|the pin|sim cards?)\b",
            r"\b(passports?|id cards?|identity cards?|driver'?s licen[cs]es?|(credit|bank|debit|social security) "
            r"(cards?|numbers?))\b",
            r"\b(create|open|register|verify|sign up for) (an? |the )?((bank|new) )?accounts?\b",
            r"\b(pretend|pose|impersonate|claim) (to be|as)\b|\bimpersonat",
        ),
    ),
    (
        "restricted",
        "It asks about a restricted or protected site.",
        (
            r"\b(military|army|armies|naval|air ?force|barracks|missiles?|checkpoints?|troops?|soldiers?|battle tanks?)\b",
            r"\btanks?\b.*\b(army|military|column|convoy)\b",
            r"\b(shelter for|wom[ae]n'?s shelter|refugee shelter|safe ?house|abortion clinic|clinic entrance)\b",
            r"\b(security (camera|guard|patrol)s?|police (patrol|station entrance)s?|alarm system|back door lock|"
            r"guard'?s? (rota|shift|post)s?)\b",
            r"\b(nuclear|substation|water treatment|power (plant|station)|refinery|prison|embassy)\b.*"
            r"\b(fence|gate|entrance|security|guards?|camera)s?\b",
            r"\b(fence|gate|entrance|security|guards?|camera)s?\b.*"
            r"\b(nuclear|substation|water treatment|power (plant|station)|refinery|prison|embassy)\b",
        ),
    ),
    (
        "danger",
        "It asks a contributor to break a law or risk harm.",
        (
            r"\b(trespass|break in|climb (over|onto|up)|sneak|without (permission|being seen|anyone noticing))\b",
            r"\b(hidden camera|secretly|covert(ly)?|changing rooms?|locker rooms?)\b",
            r"\b(naked|nude|undress\w*|upskirt|sexual|sexy)\b",
            r"\b(buy|deliver|pick up|drop off) (some |the |a )?(drugs?|weapons?|guns?|cash|money)\b",
            r"\b(walk|stand|sit|lie|run|stop) (along|in|on|onto|across|in the middle of) (the )?(middle of the )?"
            r"(rail(way)? (line|track)s?|tracks|motorway|highway|runway|ledge|roof edge|thin ice)\b",
            r"\b(accident|crash|overdose|murder|assault) (victim|scene)s?\b|\b(dead|injured) (body|bodies|people|person)\b",
        ),
    ),
)
_PATTERNS = tuple(
    (kind, why, tuple(re.compile(pattern) for pattern in patterns)) for kind, why, patterns in _CLASSES
)
_SPACED = re.compile(r"(?<!\w)(?:\w[ .*_-]){3,}\w(?!\w)")
_UNITS = frozenset("\u00b5\u03bc\u03a9\u2126\u0394")  # micro, ohm, delta: Greek that stands beside Latin
_LOOKALIKE = str.maketrans("013457@$!|", "oieastasii")


def refusal(*texts: str) -> Refusal | None:
    """The first class that refuses any of the texts (already cleaned of invisible characters)."""
    for text in texts:
        if any(_mixes_scripts(word) for word in text.split()):
            return _HIDDEN
    readings = [reading for text in texts for reading in _readings(text)]
    for kind, why, patterns in _PATTERNS:
        if any(pattern.search(reading) for pattern in patterns for reading in readings):
            return Refusal(kind, why)
    return None


def _readings(text: str) -> list[str]:
    """The ways a person may read a text: as it stands, and with digits for letters or letters spaced out."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(c for c in folded if not unicodedata.combining(c)).replace("\u2019", "'")
    joined = _SPACED.sub(lambda found: re.sub(r"[ .*_-]", "", found[0]), plain)
    spelt = " ".join(
        word.translate(_LOOKALIKE) if any(c.isalpha() for c in word) else word for word in joined.split()
    )
    return [" ".join(re.sub(r"[_\-/.,;:]", " ", each).split()) for each in (plain, joined, spelt)]


def _mixes_scripts(word: str) -> bool:
    """Whether one word has letters of Latin and of a script that looks like it: no language writes so."""
    letters = (c for c in word if c.isalpha() and c not in _UNITS)
    scripts = {unicodedata.name(c, "").partition(" ")[0] for c in letters}
    return "LATIN" in scripts and bool(
        scripts & {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"}
    )
