"""What this market does not publish: the policy hook every ask passes before it is stored.

A rules gate, not a classifier: it refuses the abuse classes seen in this field (surveillance of a
person, private homes, minors, credentials and identity proxies, restricted sites, danger to the
contributor) by words, and fails closed on text that hides itself. Its limits: a careful wording
passes; contributors can refuse any task for free, and `docs/policy.md` says what is asked of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an ask is not published: a class of docs/policy.md and a sentence."""

    kind: str
    why: str


_CLASSES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "person",
        "It asks to watch, follow or identify a person.",
        (
            r"\b(follow|stalk|tail|shadow|spy on|surveil|track down|keep an eye on)\b"
            r".*\b(him|her|them|man|woman|person|girl|boy|guy|wife|husband|ex|neighbou?r|employee)\b",
            r"\b(photo|picture|video|image)s? of (my|his|her|their|the) (ex|wife|husband|girlfriend|boyfriend|neighbou?r|boss|employee|daughter|son)\b",
            r"\b(who (lives|is staying|is sleeping)|is (he|she) (home|at home|alone))\b",
            r"\b(face|identity|name) of (the|a|every|each|all) (man|woman|person|people|protester|visitor|customer|employee|worker)s?\b",
            r"\b(licen[cs]e|number) ?plates?\b",
        ),
    ),
    (
        "home",
        "It asks about a private home.",
        (
            r"\b(his|her|their|someone'?s|neighbou?r'?s) (house|home|flat|apartment|bedroom|window|mailbox|letterbox|car)\b",
            r"\b(inside|into|through the window of) (a |the |his |her |their )?(private )?(house|home|flat|apartment|bedroom)\b",
            r"\bhome address\b",
        ),
    ),
    (
        "minor",
        "It asks for pictures of children or of places made for them.",
        (
            r"\b(child|children|kids?|minors?|toddlers?|pupils?|teen(ager)?s?)\b",
            r"\b(school|kindergarten|nursery|playground|day ?care)\b",
        ),
    ),
    (
        "credential",
        "It asks for codes, accounts, documents or a false identity.",
        (
            r"\b(otp|one[- ]time (code|password)|verification code|sms code|2fa|password|pin code|sim card)\b",
            r"\b(passport|id card|identity card|driver'?s licen[cs]e|credit card|bank card)\b",
            r"\b(create|open|register|verify) (an? )?account\b",
            r"\b(pretend|pose|impersonate|claim) (to be|as)\b",
        ),
    ),
    (
        "restricted",
        "It asks about a restricted or protected site.",
        (
            r"\b(military|army|naval|air ?force|barracks|missile|checkpoint|troop|tank)s?\b",
            r"\b(shelter for|women'?s shelter|refuge|safe ?house|abortion clinic|clinic entrance)\b",
            r"\b(security (camera|guard|patrol)s?|alarm system|back door lock|guard (rota|shift))\b",
            r"\b(nuclear|substation|water treatment|power plant) (fence|gate|entrance|security)\b",
        ),
    ),
    (
        "danger",
        "It asks a contributor to break a law or risk harm.",
        (
            r"\b(trespass|break in|climb (over|onto)|sneak (in|into|past)|without (permission|being seen|anyone noticing))\b",
            r"\b(hidden camera|secretly|covert(ly)?)\b",
            r"\b(naked|nude|undress|upskirt|sexual)\b",
            r"\b(buy|deliver|pick up) (drugs|a weapon|a gun|cash)\b",
        ),
    ),
)
_PATTERNS = tuple(
    (kind, why, tuple(re.compile(pattern, re.IGNORECASE | re.DOTALL) for pattern in patterns))
    for kind, why, patterns in _CLASSES
)


def refusal(*texts: str) -> Refusal | None:
    """The first class that refuses any of the texts (already cleaned of invisible characters)."""
    for kind, why, patterns in _PATTERNS:
        if any(pattern.search(text) for pattern in patterns for text in texts):
            return Refusal(kind, why)
    return None
