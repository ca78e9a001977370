"""duplicate: this picture, or one cut from it or beside it from the same original, was submitted before.

Stops: the same file again, re-encoded, scaled, cropped, turned, mirrored, brightened, framed.
How: the same bytes; else the nearest earlier pictures by perceptual hash over crops, small turns and
mirrorings, those that share most local features at one shift and scale (`matching.word_index`: parts of a
picture down to a quarter of it, pictures set into others), and the latest of the same bounty or neighbourhood
whatever their hash; each candidate is registered by local features and compared pixel by pixel
(`matching.registration`), so that two honest photographs of one place are not called copies. Proof has two
legs: an affine map and the noise of one exposure (`matching.residue`), so that two photographs of one poster,
or of one far wood, are not called copies either. What lies alike and is too smooth or too textured to read is
a person's case. What is proven is a hard fail, whatever a calibration learnt. Only earlier orders are looked
at. A video is sought by its quiet moments, by hash, and what it is compared with may be a video or a photo;
its noise is not read, and proof is that two of its moments lie on another film's in one way
(`matching.same_take`). Candidates of like colours that do not register are looked at in quarter turns, too.
From tier 1 on, where a burst binds the photo to its moment, a picture alike is another exposure where it has
noise of its own under no affine map, or lies in a perspective and its noise cannot tell; at tier 0 it is a
person's case, for anybody can sprinkle noise and lean a picture.
At tier 0 a picture that a smooth bend lays on an earlier one (`matching.bending`) is a person's case, too.
Limits: a copy put into perspective, or blurred and sprinkled with noise, is a person's case. Two exposures of
one flat thing by one fixed camera pass for a copy where a sensor's own pattern is stronger than the noise.
A film by a camera that stood still, and one that shares a single moment, is a person's case. A mirrored *and*
hard-cropped copy is missed; so is, outside its bounty and neighbourhood, one turned far from a quarter turn.
Figures: bench/duplicates.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from verification.case import Case
from verification.evidence import Family, Neighbour, Outcome, abstain, hard_fail, ok
from verification.film import Film, evenly
from verification.matching import colours, folding, pdq
from verification.matching.bending import bent
from verification.matching.comparison import Comparison
from verification.matching.registration import (
    Floats,
    Look,
    Pixels,
    closer,
    compare,
    detail,
    halved,
    look,
)
from verification.matching.residue import Reading, fine
from verification.matching.same_exposure import grained
from verification.matching.same_take import Laid, one_take
from verification.registry import check
from verification.statement import spot_of

BY_HASH = 8  # candidates
BY_WORDS = 6
BY_PLACE = 12
MOMENTS = 24  # of a film that are sought; hashing one costs some 25 ms
PAIRS = 16  # of a film's pictures with earlier ones that are compared
BURST_TIER = 1  # from this tier on the photo is bound to a burst: noise of its own is not just sprinkled on
PLAIN = 0.05  # grey levels of detail; with less a picture is like any other of its kind
QUARTERS = {2, 5, 7}  # turns; features are known again up to 45 degrees from one
TURNS = 2  # mirrored, turned or negative views of this picture looked at; each costs a pass of the net


@check(
    "duplicate", family=Family.DUPLICATE, version="14", cost=2, kinds={"photo", "video"}, bounds=(-2.0, 0.3)
)
def duplicate(case: Case) -> Outcome:
    """A proof, "same_bytes" or "copy_of_earlier", which fills `case.neighbours`; else OK with
    "maybe_same_exposure", evidence against it, or "no_copy_found"; abstains "no_picture" or "too_plain".
    """
    evidence, memory = case.evidence, case.tools.memory
    same = memory.same_bytes(evidence.media_sha256, evidence.order)
    case.neighbours += [Neighbour(past.capture, "bytes", 1.0) for past in same]
    if case.picture is None:
        return hard_fail("same_bytes", copies=len(same)) if same else abstain("no_picture")
    compared, maybe, apart, closest = 0, 0, 0, Comparison()
    known = {past.capture for past in same}
    film = case.film
    found_in = _of_film(case, film, known) if film else _comparisons(case, case.picture.rgb, known)
    for capture, found in found_in:
        compared += 1
        if found.copy:
            case.neighbours.append(Neighbour(capture, "geometry", round(found.share, 4)))
        if found.doubtful:
            own = found.apart and evidence.terms.tier >= BURST_TIER
            maybe, apart = maybe + (not own), apart + own
            closest = max(closest, found, key=lambda item: (item.copy, item.share))
    if same:
        return hard_fail("same_bytes", copies=len(case.neighbours))
    facts = _facts(closest) | {"compared": compared}
    if case.neighbours:
        return hard_fail("copy_of_earlier", copies=len(case.neighbours), **facts)
    if maybe:
        return ok(-2.0, "maybe_same_exposure", alike=maybe, **facts)
    if apart:
        return ok(0.0, "other_exposure", alike=apart, **facts)
    return _none_found(case, compared)


def _none_found(case: Case, compared: int) -> Outcome:
    if case.picture is not None and detail(case.picture.rgb) < PLAIN:
        return abstain("too_plain", compared=compared)
    return ok(0.3, "no_copy_found", compared=compared)


def _comparisons(case: Case, rgb: Pixels, known: set[str]) -> Iterator[tuple[str, Comparison]]:
    """Each candidate's best comparison; `known` ones are left out."""
    evidence, memory = case.evidence, case.tools.memory
    ways: dict[tuple[str, int], set[int]] = {}  # of an earlier capture and which of its pictures
    turns = {0}
    near: dict[tuple[str, int], int] = {}
    for past in memory.nearest(pdq.query_views(rgb), evidence.order, BY_HASH):  # closest first
        if past.way in turns or len(turns) <= TURNS:
            turns.add(past.way)
            ways.setdefault((past.capture, past.picture), set()).add(past.way)
            if past.distance is not None and past.distance <= folding.NEAR:
                near[past.capture, past.picture] = past.way
    own = memory.look_of(evidence.capture) or look(rgb, case.tools.engine)
    small = halved(own, case.tools.engine)
    parts = [memory.sharing(seen, evidence.order, BY_WORDS) for seen in (own.features, small)]
    spot = spot_of(case.statement)
    around = memory.around(evidence.terms.bounty, spot, evidence.order, BY_PLACE)
    for past in (*parts[0], *parts[1], *around):
        ways.setdefault((past.capture, past.picture), set()).add(0)
    looks = {0: closer(own, small)}
    noise: Floats | None = None

    def laid(earlier: Look, turned: set[int]) -> dict[int, Comparison]:
        for way in turned - looks.keys():
            looks[way] = look(rgb, case.tools.engine, way)
        return {way: compare(looks[way], earlier, case.tools.engine) for way in sorted(turned)}

    for (capture, which), turned in ways.items():
        earlier = memory.look_of(capture, which)
        if earlier is None or capture in known:
            continue
        found = laid(earlier, turned)
        if not any(one.same_scene for one in found.values()) and colours.alike(own.rgb, earlier.rgb):
            found |= laid(earlier, QUARTERS - turned)
        if (capture, which) in near and not any(one.same_exposure for one in found.values()):
            way = near[capture, which]
            found[way] = max(found[way], folding.compare_folded(looks[way], earlier), key=_best)
        way = max(found, key=lambda item: _best(found[item]))
        if found[way].matrix:
            noise = noise if noise is not None else fine(rgb)
            found[way] = grained(found[way], noise, way, looks[way], earlier)
        if evidence.terms.tier < BURST_TIER and found[way].same_scene and not found[way].doubtful:
            found[way] = replace(found[way], bent=bent(looks[way], earlier, case.tools.engine))
        yield capture, found[way]


def _best(found: Comparison) -> tuple[bool, bool, float]:
    return found.affine, found.same_exposure, found.share


def _of_film(case: Case, film: Film, known: set[str]) -> Iterator[tuple[str, Comparison]]:
    """The same for a film: its quiet moments are sought, and the closest pairs of pictures compared until
    two prove one take. Copies have their quiet moments where the original has (`decoding.films`)."""
    evidence, memory, eyes = case.evidence, case.tools.memory, case.tools.engine
    shown = [film.key.rgb, *(rgb for _, rgb in evenly(film.stills, MOMENTS))]
    near = [
        (past.distance or 0, past.capture, past.picture, past.way, own)
        for own, rgb in enumerate(shown)
        for past in memory.nearest(pdq.query_views(rgb), evidence.order, BY_HASH)
    ]
    spot = spot_of(case.statement)
    around = memory.around(evidence.terms.bounty, spot, evidence.order, BY_PLACE)
    pairs = [pair[1:] for pair in sorted(near)[:PAIRS]] + [
        (past.capture, past.picture, 0, 0) for past in around
    ]
    looks: dict[tuple[int, int], Look] = {}
    best: dict[str, Comparison] = {}
    laid: dict[str, list[Laid]] = {}
    proven: set[str] = set()
    for capture, picture, way, own in dict.fromkeys(pairs):
        earlier = None if capture in known | proven else memory.look_of(capture, picture)
        if earlier is None:
            continue
        if (own, way) not in looks:
            looks[own, way] = look(shown[own], eyes, way)
        found = compare(looks[own, way], earlier, eyes)
        best[capture] = max(best.get(capture, found), found, key=lambda item: (item.copy, item.share))
        if found.copy:
            new, before = Laid(own, picture, way, looks[own, way], found), laid.setdefault(capture, [])
            if one_take(new, before, eyes):
                proven.add(capture)
            before.append(new)
    for capture, found in best.items():
        yield capture, found if capture in proven else replace(found, grain=Reading())


def _facts(found: Comparison) -> dict[str, float | bool | str]:
    """Small numbers that show why; nothing in them names the other capture."""
    grain = found.grain
    noise: dict[str, float | bool | str] = {}
    if grain is not None:
        noise = {"noise": grain.says, "noise_alike": round(grain.correlation, 2)}
    return {
        **noise,
        "inliers": found.inliers,
        "share_alike": round(found.share, 3),
        "beyond": round(found.beyond, 3),
        "bend_px": round(found.bend_px, 2),
        "zoom": round(found.zoom, 2),
        "folded": found.folded,
    }
