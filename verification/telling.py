"""What a contributor is told of a refusal: few coarse words, so that it cannot be climbed.

Stops: probing. Who may try again and again and sees which check minded, and how much, learns the way past
it. So no number and no fact leaves here, and every check that looks at pixels or motion answers with one
and the same word: which of them minded stays unknown. Plain words are kept for what tells a cheat nothing
he does not know (his own protocol), and tells an honest person what to do. With a proof against the capture
only the proof is named.
Limits: being accepted or not is itself an answer; `bounties.rules.MAX_REFUSED` bounds how often one is given.
"""

from __future__ import annotations

from collections.abc import Iterable

from verification.evidence import ABOUT_ANSWER, Family, Finding, Status, Verdict

NOTHING_SPECIAL = "not_enough_evidence"
AGAINST = -0.5  # nats: a finding weaker than that is not told

_PLAIN = frozenset(
    {
        "wrong_nonce",
        "late_commitment",
        "no_commitment",
        "media_not_as_signed",
        "bad_signature",
        "no_position",
        "outside_area",
        "after_deadline",
        "wrong_pan",
    }
)
_SCENE = "scene_not_confirmed"
WORDS: dict[Family, str] = {
    Family.INTEGRITY: "file_refused",
    Family.SESSION: "session_refused",
    Family.PLACE: "place_not_confirmed",
    Family.TIME: "time_not_confirmed",
    Family.PROVENANCE: "provenance_refused",
    Family.METADATA: "file_refused",
    Family.ATTESTATION: "device_not_confirmed",
    Family.CHALLENGE: "challenge_not_seen",
    Family.MOVES: "challenge_not_seen",
    Family.MOTION: _SCENE,
    Family.BELONGING: _SCENE,
    Family.DEPTH: _SCENE,
    Family.LIGHT: _SCENE,
    Family.RECAPTURE: _SCENE,
    Family.SPLICE: _SCENE,
    Family.SCENE: _SCENE,
    Family.DUPLICATE: "copy_of_earlier",
    Family.CAMERA: NOTHING_SPECIAL,  # links accounts: nobody is told that they are linked
    Family.CONTENT: "not_what_was_asked",
    Family.BEHAVIOUR: NOTHING_SPECIAL,
    Family.STREAM: "readings_refused",
    Family.ANSWER: "answer_not_confirmed",
    Family.AGREEMENT: "answer_not_confirmed",
}


def told(findings: Iterable[Finding], verdict: Verdict) -> list[str]:
    """The words for this verdict, each once, sorted: their order would say which check minded first.

    Empty for an accept. The answer's family is never told here: it is no reason to refuse a capture.
    """
    if verdict is Verdict.ACCEPT:
        return []
    spoken = [finding for finding in findings if finding.family not in ABOUT_ANSWER]
    proofs = [finding for finding in spoken if finding.status is Status.HARD_FAIL]
    doubts = [finding for finding in spoken if finding.status is Status.OK and finding.llr < AGAINST]
    words = {_word(finding) for finding in proofs or doubts}
    return sorted(words - {NOTHING_SPECIAL}) or [NOTHING_SPECIAL]


def _word(finding: Finding) -> str:
    return finding.reason if finding.reason in _PLAIN else WORDS[finding.family]
