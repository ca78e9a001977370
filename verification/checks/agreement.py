"""agreement: people who do not know each other answered the same, or something else.

Stops: answers guessed or invented about a genuine picture, where a bounty asks several people.
How: the answers of the bounty's earlier accepted captures are pooled with this one (`verification.agreement`:
one-coin Dawid-Skene; captures that share an account or a device speak once). By how much the others move
this answer's log-odds is what they say. It feeds p_answer only.
Limits: what several people see alike they may get wrong alike. People who share neither an account nor a
device with us may still know each other. The first to answer has nobody to agree with, and is not judged
again when others come.
Source: Dawid & Skene, "Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm" (1979).
"""

from __future__ import annotations

from verification.agreement import PRIOR, Vote, choices_of, pooled
from verification.case import Case
from verification.evidence import Family, Outcome, abstain, ok
from verification.fusion import logit
from verification.registry import check

SURE = 1e-6  # no pooled probability is taken to be nearer to 0 or 1


@check(
    "agreement", family=Family.AGREEMENT, version="1", cost=0, kinds={"photo", "video"}, bounds=(-3.0, 3.0)
)
def agreement(case: Case) -> Outcome:
    """OK "others_agree" or "others_disagree"; abstains "nothing_asked" or "no_other_answer"."""
    evidence = case.evidence
    if evidence.answer is None or not evidence.terms.answer_schema:
        return abstain("nothing_asked")
    if not evidence.others:
        return abstain("no_other_answer")
    own = Vote(evidence.answer, PRIOR[0] / sum(PRIOR), ties=evidence.ties)
    votes = [own, *(Vote(other.answer, other.accuracy, ties=other.ties) for other in evidence.others)]
    choices = choices_of(evidence.terms.answer_schema)
    alone, together = (_bounded(pooled(said, choices=choices)[0]) for said in ([own], votes))
    llr = logit(together) - logit(alone)
    return ok(llr, "others_agree" if llr >= 0 else "others_disagree", answers=len(evidence.others))


def _bounded(p: float) -> float:
    return min(max(p, SURE), 1 - SURE)
