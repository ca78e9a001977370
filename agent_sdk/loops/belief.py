"""What verified observations do to the belief in a yes/no question, and what one more is worth.

Pure, closed form.

The model. A question is Y or N. Each site has a hidden state s, true or false, with P(true | Y) = p_yes and
P(true | N) = p_no. An observation reads r at a site:

    L(r | s) = (1 - pf) P(r | s) + pf P_fake(r),        pf = 1 - p_genuine
    P(r | s) = accuracy if r == s else 1 - accuracy

and `accuracy` joins two channels in a row: that the answer is right about the scene (p_answer) and that
the scene tells the state (the reading's own accuracy). A fake says r whatever the state is.

Shared origin. Observations that share a dependence tag (contributor, device, ...), directly or through
others, form one group, whichever sites they are of, and a group counts once: each of its n members enters
with its likelihood to the power 1/n. So two equal reports by one person weigh as one, two opposite ones
cancel, the order does not matter, and k reports can never outweigh the strongest of them.

Readings of one site meet at its hidden state, not at the question: however many there are, a site moves
the odds by at most p_yes/p_no (or (1-p_yes)/(1-p_no)).

    prior = 0.35
    seen = [Evidence("door", p_yes=0.8, p_no=0.25, reading=True, p_genuine=0.97, accuracy=0.9)]
    posterior(prior, seen)        # 0.58...
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Probe:
    """An observation not made yet: where it would look and how far it could be believed.

    Attributes:
        site: name of the place; probes and evidence of one site share its hidden state.
        p_yes, p_no: P(state is true | Y) and P(state is true | N), each in (0, 1).
        p_genuine: probability that the capture is real, 0..1.
        accuracy: probability that the reading equals the state, given a real capture, 0..1.
        p_fake_true: probability that a fake reads true, 0..1.
    """

    site: str
    p_yes: float
    p_no: float
    p_genuine: float
    accuracy: float
    p_fake_true: float = 0.5

    def __post_init__(self) -> None:
        if not (0 < self.p_yes < 1 and 0 < self.p_no < 1):
            raise ValueError("p_yes and p_no lie strictly between 0 and 1")
        for name in ("p_genuine", "accuracy", "p_fake_true"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a probability")

    def likelihood(self, reading: bool, state: bool) -> float:
        """L(r | s) as the module says."""
        real = self.accuracy if reading == state else 1 - self.accuracy
        fake = self.p_fake_true if reading else 1 - self.p_fake_true
        return self.p_genuine * real + (1 - self.p_genuine) * fake


@dataclass(frozen=True)
class Evidence(Probe):
    """An observation made: what it read, and the tags of who and what stands behind it."""

    reading: bool = field(kw_only=True)
    tokens: frozenset[str] = field(default=frozenset(), kw_only=True)


def chain(first: float, second: float) -> float:
    """Accuracy of two symmetric yes/no channels in a row: right twice, or wrong twice."""
    return first * second + (1 - first) * (1 - second)


def groups(evidence: Sequence[Evidence]) -> list[int]:
    """A group number for each piece: the same for those joined by shared tags, also through others."""
    parent = list(range(len(evidence)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first_with: dict[str, int] = {}
    for i, piece in enumerate(evidence):
        for token in piece.tokens:
            parent[root(i)] = root(first_with.setdefault(token, i))
    return [root(i) for i in range(len(evidence))]


def _site_terms(evidence: Sequence[Evidence]) -> dict[str, tuple[float, float]]:
    """For each site the log of the weighted likelihood of all its readings: (state true, state false)."""
    member = groups(evidence)
    terms: dict[str, tuple[float, float]] = {}
    for piece, group in zip(evidence, member, strict=True):
        weight = 1 / member.count(group)
        true, false = terms.get(piece.site, (0.0, 0.0))
        terms[piece.site] = (
            true + weight * _log(piece.likelihood(piece.reading, True)),
            false + weight * _log(piece.likelihood(piece.reading, False)),
        )
    return terms


def posterior(prior: float, evidence: Sequence[Evidence]) -> float:
    """P(Y | evidence), strictly between 0 and 1.

    Args:
        prior: P(Y) before any observation, in (0, 1).

    Raises:
        ValueError: the prior is not in (0, 1), or evidence of one site disagrees about p_yes or p_no.
    """
    _check_prior(prior)
    places = _places(evidence)
    odds = _logit(prior)
    for site, (true, false) in _site_terms(evidence).items():
        p_yes, p_no = places[site]
        odds += _mix(p_yes, true, false) - _mix(p_no, true, false)
    return _sigmoid(odds)


def predict(prior: float, evidence: Sequence[Evidence], probe: Probe) -> tuple[float, float, float]:
    """What one more independent observation would do: (P(it reads true), P(Y | true), P(Y | false)).

    The belief is a martingale: the mean of the two posteriors is the posterior now.
    """
    now = posterior(prior, evidence)
    true, false = _site_terms(evidence).get(probe.site, (0.0, 0.0))
    reads_true = [
        _after(p, true, false, probe.likelihood(True, True), probe.likelihood(True, False))
        for p in (probe.p_yes, probe.p_no)
    ]
    p_true = now * reads_true[0] + (1 - now) * reads_true[1]
    if_true = now * reads_true[0] / p_true if p_true > 0 else now
    if_false = now * (1 - reads_true[0]) / (1 - p_true) if p_true < 1 else now
    return p_true, if_true, if_false


def brier_gain(prior: float, evidence: Sequence[Evidence], probe: Probe) -> float:
    """By how much one more observation lowers the expected Brier score, 0..0.25: the posterior's variance."""
    now = posterior(prior, evidence)
    p_true, if_true, if_false = predict(prior, evidence, probe)
    return p_true * (if_true - now) ** 2 + (1 - p_true) * (if_false - now) ** 2


@dataclass(frozen=True)
class Choice:
    """The best next purchase: which offer, the Brier it removes, dollars of value less price (by fill)."""

    offer: str
    gain: float
    net_value: float


def plan_next(
    prior: float,
    evidence: Sequence[Evidence],
    offers: Mapping[str, tuple[Probe, float, float]],
    *,
    value_per_brier: float,
    affordable: float,
) -> Choice | str:
    """The purchase with the greatest expected net value, or why there is none.

    Args:
        offers: by name, (probe, price in dollars with fees, probability of being filled).
        value_per_brier: dollars that one unit of Brier score is worth.
        affordable: dollars that may go into the next purchase.

    Returns:
        A `Choice`; or "no_offers", "not_worth_it" (no offer is worth its price), or "budget" (one is,
        and cannot be afforded).
    """
    if not offers:
        return "no_offers"
    choices: list[tuple[float, Choice]] = []
    for name, (probe, price, fill) in sorted(offers.items()):
        gain = brier_gain(prior, evidence, probe)
        choices.append((price, Choice(name, gain, fill * (value_per_brier * gain - price))))
    worthy = [(price, choice) for price, choice in choices if choice.net_value > 0]
    if not worthy:
        return "not_worth_it"
    within = [choice for price, choice in worthy if price <= affordable]
    return max(within, key=lambda choice: choice.net_value) if within else "budget"


def brier(forecast: float, outcome: bool) -> float:
    """Squared error, 0 (best) to 1."""
    return (forecast - outcome) ** 2


def log_score(forecast: float, outcome: bool) -> float:
    """Negative log-likelihood in nats, 0 (best) upward."""
    return -_log(forecast if outcome else 1 - forecast)


def _places(evidence: Sequence[Evidence]) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for piece in evidence:
        if found.setdefault(piece.site, (piece.p_yes, piece.p_no)) != (piece.p_yes, piece.p_no):
            raise ValueError(f"site {piece.site!r} has two different p_yes or p_no")
    return found


def _after(p: float, true: float, false: float, l_true: float, l_false: float) -> float:
    """P(reads true) when the state is true with probability p before the site's readings so far."""
    share = _sigmoid(_logit(p) + true - false)
    return share * l_true + (1 - share) * l_false


def _mix(p: float, true: float, false: float) -> float:
    """log(p exp(true) + (1 - p) exp(false)), without underflow."""
    top = max(true, false)
    return top + math.log(p * math.exp(true - top) + (1 - p) * math.exp(false - top))


def _check_prior(prior: float) -> None:
    if not 0 < prior < 1:
        raise ValueError("a prior lies strictly between 0 and 1: at 0 or 1 nothing can be learnt")


def _logit(p: float) -> float:
    return math.log(p) - math.log1p(-p)


def _sigmoid(x: float) -> float:
    """Kept strictly inside (0, 1): no finite evidence makes certain."""
    value = 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
    return min(max(value, 1e-12), 1 - 1e-12)


def _log(x: float) -> float:
    return math.log(max(x, 1e-12))
