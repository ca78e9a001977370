"""Learns the fusion's models from judged captures of known truth.

Only captures that nothing proves false take part: on the others fusion does not decide. Each fraud
(`frauds.Fraud`) is learnt for itself: the honest captures against the attacks that commit it, in the families
that bear on it. In every fit each tier's honest captures weigh as much as its attacks, and every attack
family as much as the next, so that neither the prior nor how often an attack was drawn enters a ratio.

How a family is learnt: a logistic line on the sum of its checks' ratios, over the captures in which it
spoke, weighed among all in which it ran: so the line holds what *speaking* is worth as well, and abstaining
has the complement (`costs`). Its bounds (`logistic.bounds`) count as independent only distinct base
photographs, and for attacks distinct pairs of photograph and attack.

How the sum is learnt: bins of equal mass, pooled until they rise (`knots`), on sums made by models that saw
neither the capture's base photograph nor its attack family (`sums_unseen`): an attack of tomorrow is one that
nobody calibrated on. A fraud of which there is one attack family only is learnt from that family.

The shares of the frauds (`mixes`): every attack family of a tier weighs alike, as in the published table, and
each fraud has one more that nobody thought of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from verification.calibration import logistic
from verification.calibration.samples import Sample
from verification.calibration.scoring import Bools, Doubles, masses
from verification.constants import PLAIN, TIERS, Knots, Model
from verification.evidence import Family
from verification.frauds import Fraud
from verification.fusion import silent, spoken

FOLDS = 4
ENOUGH = 27  # independent ones of either class below which nothing is learnt
ENOUGH_UNSEEN = ENOUGH * (FOLDS - 1) // FOLDS  # with one fold held out
FEW = 2  # where resampling drew some twice and left others out
WORST_ABSTAIN = -4.0
BINS = 16  # at most, of equal mass, for the model of the sum,
A_BIN = 4  # with so many independent ones of the smaller class in each: fewer find order in noise
_ORDER = list(Fraud)
NEAR = 1e-4  # sums that are one
ROUNDS = 40  # resamplings of the bases for a model's spread


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Captures as arrays, [n] each.

    Attributes:
        base / attack: numbers of the base photograph and of the attack family; -1 for a true one.
        fraud: which of `Fraud`, in their order; -1 for a true one.
        sums: family -> the sum of what its checks said, NaN where none spoke.
        ran: family -> whether it spoke or abstained.
    """

    truth: Bools
    tier: npt.NDArray[np.int64]
    base: npt.NDArray[np.int64]
    attack: npt.NDArray[np.int64]
    fraud: npt.NDArray[np.int64]
    sums: dict[Family, Doubles]
    ran: dict[Family, Bools]

    def against(self, fraud: Fraud) -> Bools:
        """The true ones and those that commit this fraud."""
        chosen: Bools = self.truth | (self.fraud == _ORDER.index(fraud))
        return chosen

    def units(self, mask: Bools) -> tuple[float, float]:
        """Independent true and false ones: distinct bases; distinct pairs of base and attack."""
        true, false = mask & self.truth, mask & ~self.truth
        pairs = np.unique(np.stack([self.base[false], self.attack[false]]), axis=1)
        return float(len(np.unique(self.base[true]))), float(pairs.shape[1])


def arrays(samples: Sequence[Sample], truth: Sequence[bool] | None = None) -> Data:
    """Samples as arrays. `truth` takes the place of being genuine (for the answer)."""
    known = np.array([s.genuine for s in samples] if truth is None else truth, dtype=bool)
    attack = np.unique(np.array([s.family for s in samples]), return_inverse=True)[1].astype(np.int64)
    sums, ran = {}, {}
    for family in Family:
        said = [spoken(family, s.findings) for s in samples]
        mute = [silent(family, s.findings) for s in samples]
        sums[family] = np.array([np.nan if one is None else one for one in said], dtype=np.float64)
        ran[family] = np.isfinite(sums[family]) | np.array(mute, dtype=bool)
    return Data(
        known,
        np.array([s.tier for s in samples], dtype=np.int64),
        np.unique(np.array([s.base for s in samples]), return_inverse=True)[1].astype(np.int64),
        np.where(known, -1, attack),
        np.array([-1 if s.fraud is None else _ORDER.index(s.fraud) for s in samples], dtype=np.int64),
        sums,
        ran,
    )


def weights(data: Data, mask: Bools, times: Doubles | None = None) -> Doubles:
    """[n], 0 outside `mask`: in each tier both classes weigh alike, and so does each attack family.

    A tier with one class only has nothing to say. `times` is how often each sample was drawn (resampling).
    """
    drawn = np.ones(len(mask)) if times is None else times
    result = np.zeros(len(mask))
    for tier in range(TIERS):
        here = mask & (data.tier == tier) & (drawn > 0)
        if not (here & data.truth).any() or not (here & ~data.truth).any():
            continue
        _, group = np.unique(data.attack[here], return_inverse=True)
        mass = np.bincount(group, drawn[here])
        share = np.where(
            np.arange(len(mass)) == 0, 1.0, 1.0 / (len(mass) - 1)
        )  # -1, the true ones, come first
        result[here] = drawn[here] * (share / mass)[group] * here.sum()
    return result


def family_model(
    data: Data,
    family: Family,
    mask: Bools,
    by_hand: Model,
    *,
    times: Doubles | None = None,
    enough: int = ENOUGH,
) -> Model:
    """The family's model learnt from the samples in `mask`; `by_hand` where fewer than `enough` spoke.

    The spread is left at nothing known wrong; see `with_spread`.
    """
    said = data.sums[family]
    ran = mask & data.ran[family]
    weighed = weights(data, ran, times)
    ran = ran & (weighed > 0)
    spoke = ran & np.isfinite(said)
    true, false = data.units(spoke)
    if min(true, false) < enough:
        return by_hand
    a, b = logistic.line(said[spoke], data.truth[spoke], weighed[spoke], n_true=true, n_false=false)
    abstain, learnt = costs(data, ran, spoke, weighed, by_hand)
    llr = np.where(spoke, a * np.nan_to_num(said) + b, np.array(abstain)[data.tier])
    all_true, all_false = data.units(ran)
    low, high = logistic.bounds(llr[ran], data.truth[ran], weighed[ran], n_true=all_true, n_false=all_false)
    seen_from = float(said[spoke].min())
    return Model(a, b, low, high, (0.0, 0.0, 0.0), abstain, learnt, seen_from, by_hand.low)


def costs(
    data: Data, ran: Bools, spoke: Bools, weighed: Doubles, by_hand: Model
) -> tuple[tuple[float, ...], tuple[bool, ...]]:
    """What only abstaining adds in each tier, at most 0, and whether that is learnt.

    The log of (share of the honest who abstain) over (share of attacks), each with half a count added to the
    smaller class's number of independent ones. Never above 0: whoever leaves evidence out must not gain.
    """
    found, learnt = list(by_hand.abstain), [False] * TIERS
    for tier in range(TIERS):
        here = ran & (data.tier == tier)
        n = min(data.units(here))
        if n < ENOUGH_UNSEEN or not (here & ~spoke).any():
            continue
        shares = [
            float(weighed[side & ~spoke].sum() / weighed[side].sum())
            for side in (here & data.truth, here & ~data.truth)
        ]
        honest, attack = ((share * n + 0.5) / (n + 1) for share in shares)
        found[tier] = min(0.0, max(WORST_ABSTAIN, float(np.log(honest / attack))))
        learnt[tier] = True
    return tuple(found), tuple(learnt)


def with_spread(data: Data, family: Family, mask: Bools, model: Model, by_hand: Model, seed: int) -> Model:
    """The same model with what resampling the bases says of its line."""
    drawn = [
        family_model(data, family, mask, by_hand, times=times, enough=FEW) for times in resampled(data, seed)
    ]
    return replace(model, spread=_spread([(one.a, one.b) for one in drawn if one.learnt]))


def resampled(data: Data, seed: int) -> list[Doubles]:
    """How often each sample is drawn when its base is drawn with replacement, `ROUNDS` times."""
    dice, n = np.random.default_rng(seed), int(data.base.max()) + 1
    return [
        np.bincount(dice.integers(n, size=n), minlength=n)[data.base].astype(np.float64)
        for _ in range(ROUNDS)
    ]


def _spread(lines: list[tuple[float, float]]) -> tuple[float, float, float]:
    if len(lines) < 2:
        return (0.0, 0.0, 0.0)
    covariance = np.cov(np.array(lines).T)
    return float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1])


def totals(data: Data, models: dict[Family, Model]) -> tuple[Doubles, Doubles]:
    """What `fusion.fuse` puts into the model of the sum, and what it adds after it, [n] each.

    Abstaining is free where its cost is set by hand: what a tier requires is not in the samples, and a
    required family that abstains leads to review anyway.
    """
    inside, outside = np.zeros(len(data.truth)), np.zeros(len(data.truth))
    for family, model in models.items():
        said = np.nan_to_num(data.sums[family])
        spoke = np.isfinite(data.sums[family])
        lowest = -np.inf if model.seen_from is None else model.seen_from
        unseen = spoke & (said < lowest)
        line = np.clip(model.a * np.maximum(said, lowest) + model.b, model.low, model.high)
        line = np.where(unseen, np.minimum(line, np.maximum(said, model.unseen_low)), line)
        abstain = np.where(model.abstain_learnt, model.abstain, 0.0)[data.tier]
        part = np.where(spoke, line, np.where(data.ran[family], abstain, 0.0))
        apart = (part < 0) & spoke & (unseen | (not model.learnt))
        inside += np.where(apart, 0.0, part)
        outside += np.where(apart, part, 0.0)
    return inside, outside


def sums_unseen(
    data: Data,
    by_hand: dict[Family, Model],
    mask: Bools,
    folds: npt.NDArray[np.int64],
    seed: int,
) -> tuple[Doubles, Doubles]:
    """As `totals`, by models learnt from `mask` that saw neither a capture's base nor its attack.

    For captures that are no attacks in `mask` the mean over the models of their fold.

    Args:
        folds: [n], the fold of each sample's base.
    """
    attacks = mask & ~data.truth
    names = np.unique(data.attack[attacks])
    groups = max(1, min(FOLDS, len(names)))
    group = np.full(len(data.truth), -1)
    if groups > 1:
        dealt = np.random.default_rng(seed).permutation(len(names)) % groups
        group[attacks] = dealt[np.searchsorted(names, data.attack[attacks])]
    result = np.zeros((2, len(data.truth)))
    for fold in range(FOLDS):
        for held in range(groups):
            train = mask & (folds != fold) & (group != held)
            models = {
                family: family_model(data, family, train, model, enough=ENOUGH_UNSEEN)
                for family, model in by_hand.items()
            }
            test = (folds == fold) & ((group == held) | (group == -1))
            found = np.stack(totals(data, models))
            result[:, test] += found[:, test] / np.where(group[test] == -1, groups, 1)
    return result[0], result[1]


def folds_of(data: Data, seed: int) -> npt.NDArray[np.int64]:
    """The fold of each sample's base: all samples of one base in one fold."""
    bases = int(data.base.max()) + 1
    dealt: npt.NDArray[np.int64] = (np.random.default_rng(seed).permutation(bases) % FOLDS)[data.base]
    return dealt


def knots(data: Data, sums: Doubles, mask: Bools, *, times: Doubles | None = None, enough: int = 0) -> Knots:
    """The model of the sum, one a tier; a tier with fewer than `enough` takes that of all tiers together.

    The sum itself where even all tiers together have fewer. Spreads are left at 0; see `with_doubt`.
    """
    weighed = weights(data, mask, times)
    enough = enough or ENOUGH_UNSEEN
    groups = [mask & (weighed > 0) & (data.tier == tier) for tier in range(TIERS)]
    everyone = np.logical_or.reduce(groups)
    if min(data.units(everyone)) < enough:
        return PLAIN
    chosen = [group if min(data.units(group)) >= enough else everyone for group in groups]
    tiers = tuple(_rising(data, sums, group, weighed) for group in chosen)
    return Knots(tiers, tuple((0.0,) * len(tier) for tier in tiers))


def _rising(data: Data, sums: Doubles, mask: Bools, weighed: Doubles) -> tuple[tuple[float, float], ...]:
    """Bins of equal mass by sum, pooled until the ratio of honest to false rises (PAV, Ayer 1955).

    Each share gets half a count more of its class's independent ones, so that no bin says more than they can.
    """
    s, truth, mass = sums[mask], data.truth[mask], weighed[mask]
    n_true, n_false = data.units(mask)
    chosen = masses(s, mass, max(2, min(BINS, int(min(n_true, n_false)) // A_BIN)))
    blocks: list[tuple[float, float, float, float]] = []
    true, false = mass * truth / mass[truth].sum(), mass * ~truth / mass[~truth].sum()
    for number in np.unique(chosen).tolist():
        here = chosen == number
        middle = float(np.average(s[here], weights=mass[here]))
        block = (middle, middle, float(true[here].sum()), float(false[here].sum()))
        while blocks and blocks[-1][2] * block[3] >= block[2] * blocks[-1][3]:
            last = blocks.pop()
            block = (last[0], block[1], last[2] + block[2], last[3] + block[3])
        blocks.append(block)
    found: list[tuple[float, float]] = []
    for start, end, honest, attack in blocks:
        llr = float(np.log((honest * n_true + 0.5) / (n_true + 1) * (n_false + 1) / (attack * n_false + 0.5)))
        llr = max([llr, *(before for _, before in found[-1:])])  # half a count may bend what PAV straightened
        found += [(start, llr)] if end - start < NEAR else [(start, llr), (end, llr)]
    return tuple(found)


def with_doubt(data: Data, sums: Doubles, mask: Bools, model: Knots, seed: int) -> Knots:
    """The same model with what resampling the bases says of each knot."""
    if not model.learnt:
        return model
    drawn = [knots(data, sums, mask, times=times, enough=FEW) for times in resampled(data, seed)]
    spread = tuple(
        tuple(float(np.std([one.at(s, tier) for one in drawn])) for s, _ in points)
        for tier, points in enumerate(model.tiers)
    )
    return replace(model, spread=spread)


def cross_checked(data: Data, sums: Doubles, mask: Bools, folds: npt.NDArray[np.int64]) -> Doubles:
    """Every capture's calibrated log-likelihood ratio by a model of the sum that did not see its base."""
    result = np.zeros(len(sums))
    for fold in range(FOLDS):
        model = knots(data, sums, mask & (folds != fold))
        for index in np.flatnonzero(folds == fold).tolist():
            result[index] = model.at(float(sums[index]), int(data.tier[index]))
    return result


def mixes(data: Data) -> dict[Fraud, tuple[float, ...]]:
    """Each fraud's share of the false captures of each tier."""
    counts = np.ones((len(_ORDER), TIERS))
    for number in range(len(_ORDER)):
        for tier in range(TIERS):
            here = (data.fraud == number) & (data.tier == tier)
            counts[number, tier] += len(np.unique(data.attack[here]))
    return {fraud: tuple((counts[k] / counts.sum(axis=0)).tolist()) for k, fraud in enumerate(_ORDER)}


def together(data: Data, ratios: dict[Fraud, Doubles], mix: dict[Fraud, tuple[float, ...]]) -> Doubles:
    """The evidence of each capture, [n] nats: `fusion.fuse`'s sum over the frauds."""
    weighed = [np.log(np.array(mix[fraud]))[data.tier] - llr for fraud, llr in ratios.items()]
    found: Doubles = -np.logaddexp.reduce(weighed)
    return found
