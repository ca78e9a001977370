"""How well a photograph is recognised as one of a place, and how often another place is taken for it.

    python -m bench.place --photos DIR [--quick] [--json PATH] [--seed N]

Pairs of photographs go through `measures.recognition`, as in the check `scene`. Views of one place are
the folders of DIR/same_place; every other pair of photographs is a negative, the nine spots of one walk
(walk_arezzo_gps) among them. Three strata after the manifest's notes, reported apart:
* street: same session, built or near scenes (streets, gardens, walls, rooms), the camera moved a step;
* open: same session, landscapes turned through and orbits, where views overlap by half or less;
* altered: distance or zoom changed twofold and more, or an object in another setting.
By capture: each view against all others of its place as references. The folder holds no day/night or
season pairs, so that stratum has no figure here. Without DIR: the stereo pair of scikit-image.
"""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import skimage.data

from bench.duplicates import load, packaged, wilson
from core.figures import Row, arguments, finish
from verification.engine import Engine
from verification.matching.registration import Look, look
from verification.measures.recognition import recognise

STREET = {
    "apartment_building", "brick_wall", "cv_leuven", "garden_1", "garden_2", "lantern", "stones", "sundial",
    "wood_wall", "room_chair_1", "room_chair_2", "cave", "cv_aloe", "cv_graffiti", "motorcycle",
}  # fmt: skip
ALTERED = {"mountain_zoom", "cv_box", "beach"}
WALK = "walk_arezzo_gps"
# Found by looking at every negative that was taken for a match: they show one place after all.
SAME_AFTER_ALL = {
    frozenset({"rainforest", "va_image00030.jpg"}),
    frozenset({"rainforest", "va_image00031.jpg"}),
    frozenset({"me_FLIR.jpg", "me_FLIR_iPhone_device.jpg"}),
}


def place_of(name: str) -> str:
    """The place a picture is of: its folder; a picture of `other` or of the walk is a place of its own."""
    folder, file = name.split("/", 1)
    return file if folder in ("other", WALK) else folder


def stratum(place: str) -> str:
    """The stratum of a place with several views."""
    return "street" if place in STREET else "altered" if place in ALTERED else "open"


def pictures(folder: Path | None, others: int, seed: int, engine: Engine) -> dict[str, Look]:
    """Looks by "folder/file": all views of places, and `others` further photographs."""
    if folder is None or not folder.is_dir():
        left, right, _ = skimage.data.stereo_motorcycle()
        found = {"motorcycle/left": left, "motorcycle/right": right}
        found |= {f"other/{name}": rgb for name, rgb in packaged().items()}
        return {name: look(rgb, engine) for name, rgb in found.items()}
    paths = sorted((folder / "same_place").glob("*/*"))
    more = [path for part in ("real_small", "real") for path in sorted((folder / part).iterdir())]
    more = [path for path in more if not path.name.startswith(("bf_", "zx_"))]
    random.Random(seed).shuffle(more)
    looks = {}
    for path in [*paths, *more[:others]]:
        rgb = load(path)
        if rgb is not None:
            part = path.parent.name if path.parent.parent.name == "same_place" else "other"
            looks[f"{part}/{path.name}"] = look(rgb, engine)
    return looks


def strengths(looks: dict[str, Look], engine: Engine) -> dict[tuple[str, str], float]:
    """The strength of every pair."""
    pairs = itertools.combinations(looks, 2)
    return {(a, b): recognise(looks[a].features, looks[b].features, engine).strength for a, b in pairs}


def share(name: str, hits: Sequence[bool], bar: str | None = None) -> Row:
    """A share with its Wilson interval."""
    low, high = wilson(sum(hits), len(hits))
    return Row(name, sum(hits) / max(1, len(hits)), low, high, len(hits), bar=bar)


def same_rows(found: dict[tuple[str, str], float]) -> list[Row]:
    """Recall by pair and by capture, a stratum at a time."""
    pairs: dict[str, list[bool]] = defaultdict(list)
    best: dict[str, float] = defaultdict(float)
    for (a, b), strength in found.items():
        if place_of(a) == place_of(b):
            pairs[stratum(place_of(a))].append(strength >= 1)
            for name in (a, b):
                best[name] = max(best[name], strength)
    rows = []
    for name in ("street", "open", "altered"):
        captures = [strength >= 1 for view, strength in best.items() if stratum(place_of(view)) == name]
        bar = ">= 0.95" if name == "street" else None
        if captures:
            rows.append(share(f"{name}: captures recognised by a reference", captures, bar))
            rows.append(share(f"{name}: pairs recognised", pairs[name]))
    return rows


def negatives(found: dict[tuple[str, str], float]) -> Iterable[tuple[str, str, float]]:
    """Pairs of different places."""
    for (a, b), strength in found.items():
        places = {place_of(a), place_of(b)}
        if len(places) == 2 and frozenset(places) not in SAME_AFTER_ALL:
            yield a, b, strength


def main(given: Sequence[str] | None = None) -> int:
    """Measures and prints; 1 when a bar is missed."""
    parser = arguments(__doc__)
    parser.add_argument("--photos", type=Path)
    chosen = parser.parse_args(given)
    engine = Engine("cpu")
    looks = pictures(chosen.photos, 40 if chosen.quick else 150, chosen.seed, engine)
    found = strengths(looks, engine)
    others = sorted(negatives(found), key=lambda item: -item[2])
    false = [strength >= 1 for *_, strength in others]
    walk = [strength >= 1 for a, b, strength in others if a.startswith(WALK) and b.startswith(WALK)]
    upper = max(wilson(sum(false), len(false))[1], 3 / len(false))
    rows = same_rows(found)
    rows.append(
        Row(
            "pairs of different places taken for one",
            sum(false),
            0,
            upper * len(false),
            len(false),
            "pairs",
            "<= 0",
        )
    )
    if walk:
        rows.append(Row("of them spots of one walk", sum(walk), 0, 3, len(walk), "pairs", "<= 0"))
    rows.append(Row("strongest such pair (a match is 1)", others[0][2], 0, others[0][2], len(false)))
    strongest = [{"pair": [a, b], "strength": round(s, 3)} for a, b, s in others[:10]]
    return finish(
        "Place recognition", rows, chosen.json, engine=engine.reason, seed=chosen.seed, strongest=strongest
    )


if __name__ == "__main__":
    raise SystemExit(main())
