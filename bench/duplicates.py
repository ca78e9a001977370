"""How many copies the duplicate check finds, and how often it calls two honest photographs a copy.

    python -m bench.duplicates [--photos DIR] [--quick] [--json PATH] [--seed N] [--pictures N]

The real check runs against a real memory (SQLite, files): every base picture is remembered, then each
transformed copy is submitted to another bounty with no position, so that only the hash search can find
it. Honest pairs are the views of one place under DIR/same_place, submitted to one bounty so that all of
them are compared; the base pictures against each other; and two exposures of each by a fixed camera, whose
noise is simulated. A copy is found when the check proves it or calls for a person to look. Without DIR the
pictures come from scikit-image and scikit-learn: few, and no substitute for a photo set.
"""

from __future__ import annotations

import math
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from sklearn.datasets import load_sample_image

from core.db import Base, Database
from core.figures import Row, arguments, finish, of_quantile
from core.storage import Storage
from market.simulator.sensor import expose, to_light
from tests.fakes.seeing import MuteReader
from tests.verification import stage
from verification.case import Case, Tools
from verification.checks.duplicate import duplicate
from verification.engine import Engine
from verification.evidence import Outcome
from verification.memory import PictureMemory
from verification.picture import Decoder, Picture, Pixels
from verification.statement import parse_statement
from verification.trust import TrustList

Missed = dict[str, list[str]]
Transform = Callable[[Pixels, random.Random], Pixels]


def jpeg(rgb: Pixels, quality: int) -> Pixels:
    """Through JPEG and back."""
    _, data = cv2.imencode(".jpg", rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[:, :, ::-1])


def crop(rgb: Pixels, share: float, source: random.Random) -> Pixels:
    """Cuts `share` of the area away, anywhere, aspect within 10 % of the old one."""
    height, width = rgb.shape[:2]
    tall = min(1.0, math.sqrt(1 - share) * source.uniform(0.9, 1.1))
    wide = min(1.0, (1 - share) / tall)
    h, w = int(height * tall), int(width * wide)
    y, x = source.randint(0, height - h), source.randint(0, width - w)
    return rgb[y : y + h, x : x + w]


def rotate(rgb: Pixels, degrees: float, *, inner: bool) -> Pixels:
    """Turned about the centre; `inner` cuts the black corners off."""
    height, width = rgb.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    turned = cv2.warpAffine(rgb, matrix, (width, height), flags=cv2.INTER_CUBIC).astype(np.uint8)
    sine = math.sin(math.radians(abs(degrees)))
    x, y = (math.ceil(height * sine * 0.53), math.ceil(width * sine * 0.53)) if inner else (0, 0)
    return turned[y : height - y, x : width - x]


def resize(rgb: Pixels, scale: float) -> Pixels:
    """Scaled down."""
    return cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)


def brighten(rgb: Pixels, factor: float) -> Pixels:
    """Every value times `factor`, cut at white."""
    return np.asarray(np.clip(rgb.astype(np.float32) * factor, 0, 255), np.uint8)


def bars(rgb: Pixels, share: float) -> Pixels:
    """Black bars over the top and the bottom, `share` of the height together."""
    barred, rows = rgb.copy(), int(rgb.shape[0] * share / 2)
    barred[:rows] = barred[-rows:] = 0
    return barred


def inset(rgb: Pixels, share: float, source: random.Random) -> Pixels:
    """Pasted into another picture of the same size, of which it takes `share`."""
    height, width = rgb.shape[:2]
    host = cv2.resize(skimage.data.immunohistochemistry(), (width, height), interpolation=cv2.INTER_AREA)
    small = resize(rgb, math.sqrt(share))
    y, x = (source.randint(0, host.shape[k] - small.shape[k]) for k in (0, 1))
    host[y : y + small.shape[0], x : x + small.shape[1]] = small
    return np.asarray(host, np.uint8)


def grain(rgb: Pixels, sigma: float, source: random.Random) -> Pixels:
    """Gaussian noise."""
    noise = np.random.default_rng(source.randrange(1 << 30)).normal(0, sigma, rgb.shape)
    return np.clip(rgb + noise, 0, 255).astype(np.uint8)


def lean(rgb: Pixels, share: float, source: random.Random) -> Pixels:
    """A perspective: each corner moved outward by up to `share` of the sides."""
    height, width = rgb.shape[:2]
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float32)
    moved = square + (square * 2 - 1) * [[source.uniform(0, share) for _ in "xy"] for _ in square]
    size = np.array([width, height], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(square * size, (moved * size).astype(np.float32))
    return cv2.warpPerspective(rgb, matrix, (width, height), flags=cv2.INTER_CUBIC).astype(np.uint8)


def frame(rgb: Pixels, share: float) -> Pixels:
    """A border of the picture's own mirrored rim."""
    y, x = int(rgb.shape[0] * share), int(rgb.shape[1] * share)
    return cv2.copyMakeBorder(rgb, y, y, x, x, cv2.BORDER_REFLECT).astype(np.uint8)


def write(rgb: Pixels) -> Pixels:
    """Large white words across the middle."""
    written, width = rgb.copy(), rgb.shape[1]
    at = (width // 10, rgb.shape[0] // 2)
    cv2.putText(
        written, "SAMPLE 2026", at, cv2.FONT_HERSHEY_SIMPLEX, width / 300, (255,) * 3, width // 150 + 1
    )
    return written


TRANSFORMS: dict[str, Transform] = {
    "JPEG q95": lambda rgb, _: jpeg(rgb, 95),
    "JPEG q50": lambda rgb, _: jpeg(rgb, 50),
    "JPEG q20": lambda rgb, _: jpeg(rgb, 20),
    "half size": lambda rgb, _: jpeg(resize(rgb, 0.5), 85),
    "quarter size q60": lambda rgb, _: jpeg(resize(rgb, 0.25), 60),
    "crop 2 %": lambda rgb, source: jpeg(crop(rgb, 0.02, source), 85),
    "crop 5 %": lambda rgb, source: jpeg(crop(rgb, 0.05, source), 85),
    "crop 10 %": lambda rgb, source: jpeg(crop(rgb, 0.10, source), 85),
    "crop 25 %": lambda rgb, source: jpeg(crop(rgb, 0.25, source), 85),
    "turn 2 deg": lambda rgb, _: jpeg(rotate(rgb, 2, inner=True), 85),
    "turn -5 deg": lambda rgb, _: jpeg(rotate(rgb, -5, inner=True), 85),
    "turn 5 deg, black corners": lambda rgb, _: jpeg(rotate(rgb, 5, inner=False), 85),
    "mirrored": lambda rgb, _: jpeg(rgb[:, ::-1], 85),
    "upside down": lambda rgb, _: jpeg(rgb[::-1, ::-1], 85),
    "quarter turn": lambda rgb, _: jpeg(np.rot90(rgb), 85),
    "brighter x1.3": lambda rgb, _: jpeg(brighten(rgb, 1.3), 85),
    "darker x0.6": lambda rgb, _: jpeg(brighten(rgb, 0.6), 85),
    "negative": lambda rgb, _: jpeg(255 - rgb, 85),
    "mirrored negative": lambda rgb, _: jpeg(255 - rgb[:, ::-1], 85),
    "bars 20 %": lambda rgb, _: jpeg(bars(rgb, 0.2), 85),
    "bars 50 %": lambda rgb, _: jpeg(bars(rgb, 0.5), 85),
    "crop 50 %": lambda rgb, source: jpeg(crop(rgb, 0.5, source), 85),
    "inset 50 %": lambda rgb, source: jpeg(inset(rgb, 0.5, source), 85),
    "turn 30 deg": lambda rgb, _: jpeg(rotate(rgb, 30, inner=False), 85),
    "noise 8": lambda rgb, source: jpeg(grain(rgb, 8, source), 85),
    "perspective 5 %": lambda rgb, source: jpeg(lean(rgb, 0.05, source), 85),
    "mirrored border 3 %": lambda rgb, _: jpeg(frame(rgb, 0.03), 85),
    "words across": lambda rgb, _: jpeg(write(rgb), 85),
    "crop 10 %, turn 3, x1.2, q60": lambda rgb, source: jpeg(
        brighten(crop(rotate(rgb, 3, inner=True), 0.1, source), 1.2), 60
    ),
}
BEYOND: dict[str, Transform] = {  # not promised: published so that nobody is surprised
    "inset 25 %": lambda rgb, source: jpeg(inset(rgb, 0.25, source), 85),
    "solarised": lambda rgb, _: jpeg(np.where(rgb > 127, 255 - rgb, rgb).astype(np.uint8), 85),
    "perspective 25 %": lambda rgb, source: jpeg(lean(rgb, 0.25, source), 85),
}


_EASY = (
    "JPEG q95", "JPEG q50", "JPEG q20", "half size", "quarter size q60",
    "mirrored", "upside down", "quarter turn",
)  # fmt: skip
_HARD = (
    "crop 2 %", "crop 5 %", "crop 10 %", "crop 25 %", "bars 20 %", "perspective 5 %",
    "turn 2 deg", "turn -5 deg", "turn 5 deg, black corners", "turn 30 deg",
    "bars 50 %", "crop 50 %", "inset 50 %",
)  # fmt: skip
_BARS = dict.fromkeys(_EASY, ">= 0.99") | dict.fromkeys(_HARD, ">= 0.95")


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share."""
    if n == 0:
        return 0.0, 1.0
    z, p = 1.959964, hits / n
    middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + z * z / n)), min(1.0, (middle + spread) / (1 + z * z / n))


def packaged() -> dict[str, Pixels]:
    """Colour photographs that ship in scikit-image and scikit-learn."""
    named = {name: getattr(skimage.data, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")}
    return named | {name: load_sample_image(f"{name}.jpg") for name in ("china", "flower")}


def load(path: Path) -> Pixels | None:
    """A file as the decoder would give it: RGB, long side at most 1600; None when OpenCV cannot read it."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None or min(bgr.shape[:2]) < 200:
        return None
    rgb = np.ascontiguousarray(bgr[:, :, ::-1]).astype(np.uint8)
    return rgb if max(rgb.shape) <= 1600 else resize(rgb, 1600 / max(rgb.shape))


def bases(folder: Path | None, count: int, source: random.Random) -> dict[str, Pixels]:
    """Base pictures: real/ and real_small/ (close-ups of printed codes left out), else the packaged ones."""
    if folder is None or not folder.is_dir():
        return packaged()
    paths = [path for part in ("real", "real_small") for path in sorted((folder / part).iterdir())]
    paths = [path for path in paths if not path.name.startswith(("bf_", "zx_"))]
    source.shuffle(paths)
    found: dict[str, Pixels] = {}
    for path in paths:
        if len(found) < count and (rgb := load(path)) is not None:
            found[path.name] = rgb
    return found


def places(folder: Path | None) -> Iterator[dict[str, Pixels]]:
    """Views of one place each; walk_arezzo_gps is nine places of one walk, near negatives too."""
    if folder is None or not folder.is_dir():
        left, right, _ = skimage.data.stereo_motorcycle()
        yield {"motorcycle left": left, "motorcycle right": right}
        return
    for place in sorted((folder / "same_place").iterdir()):
        views = {f"{place.name}/{path.name}": load(path) for path in sorted(place.iterdir())}
        yield {name: rgb for name, rgb in views.items() if rgb is not None}


@dataclass
class Market:
    """The real check on a real memory."""

    tools: Tools
    order: int = 0
    times: list[float] = field(default_factory=list)

    def remember(self, name: str, rgb: Pixels, bounty: str) -> None:
        """As the worker does when a capture is submitted."""
        self.order += 1
        self.tools.memory.remember(self._case(name, rgb, bounty).evidence, _picture(rgb))

    def check(self, name: str, rgb: Pixels, bounty: str) -> tuple[Outcome, set[str]]:
        """The outcome and the captures it names as copied, for a capture submitted last."""
        self.order += 1
        case = self._case(name, rgb, bounty)
        started = time.process_time()
        outcome = duplicate(case)
        self.times.append(time.process_time() - started)
        return outcome, {neighbour.capture for neighbour in case.neighbours}

    def _case(self, name: str, rgb: Pixels, bounty: str) -> Case:
        ask = stage.terms(bounty=bounty)
        evidence = stage.photo(f"{self.order} {name}".encode(), say={"lat": None, "lon": None}, ask=ask)
        evidence = replace(evidence, capture=name, order=self.order)
        statement = parse_statement(evidence.session.statement)
        return Case(evidence, self.tools, _picture(rgb), statement)


def _picture(rgb: Pixels) -> Picture:
    return Picture("JPEG", rgb.shape[1], rgb.shape[0], np.ascontiguousarray(rgb), {}, 0)


def recall(market: Market, pictures: dict[str, Pixels], source: random.Random) -> tuple[list[Row], Missed]:
    """Two rows a transformation: how many copies were found, by the check's word or for a person to look at,
    and how many of them it proved; and by transformation the pictures whose copies were not found."""
    rows: list[Row] = []
    missed: Missed = {}
    for label, transform in (TRANSFORMS | BEYOND).items():
        proven, shown = [], []
        for name, rgb in pictures.items():
            outcome, copies = market.check(f"{name} {label}", transform(rgb, source), "elsewhere")
            proven.append(name in copies)
            shown.append(outcome.reason == "maybe_same_exposure")
        found = [a or b for a, b in zip(proven, shown, strict=True)]
        missed[label] = [name for name, hit in zip(pictures, found, strict=True) if not hit]
        rows += [_share(f"found: {label}", found, _BARS.get(label)), _share(f"  proven: {label}", proven)]
    return rows, {label: names for label, names in missed.items() if names}


def honest(
    market: Market, groups: Iterable[dict[str, Pixels]], *, backwards: bool
) -> tuple[list[Row], list[str]]:
    """Views of one place, submitted one after the other to one bounty: pairs that the check names a copy, and
    captures that a person must look at."""
    wrong: list[str] = []
    shown: list[bool] = []
    pairs = 0
    for number, views in enumerate(groups):
        names = sorted(views, reverse=backwards)
        for earlier, name in enumerate(names):
            outcome, copies = market.check(name, views[name], f"place {number}")
            market.remember(name, views[name], f"place {number}")
            wrong += [f"{name} -> {other}" for other in sorted(copies)]
            shown.append(outcome.reason == "maybe_same_exposure")
            pairs += earlier
    label = f"views of one place, {'last' if backwards else 'first'} first"
    counted = [True] * len(wrong) + [False] * (pairs - len(wrong))
    return [_share(f"{label}: called a copy", counted, "<= 0"), _share("  to a person", shown)], wrong


def twice(market: Market, pictures: dict[str, Pixels], seed: int) -> tuple[list[Row], list[str]]:
    """Two exposures of one still scene by a fixed camera (simulated noise): as `honest`."""
    wrong: list[str] = []
    shown: list[bool] = []
    for number, (name, rgb) in enumerate(pictures.items()):
        height, width = (side // 2 * 2 for side in rgb.shape[:2])
        light = to_light(np.ascontiguousarray(rgb[:height, :width]))
        first, second = (jpeg(expose(light, np.random.default_rng([seed, number, k])), 92) for k in (0, 1))
        market.remember(f"{name} first", first, f"still {number}")
        outcome, copies = market.check(f"{name} second", second, f"still {number}")
        wrong += [f"{name} second -> {other}" for other in copies]
        shown.append(outcome.reason == "maybe_same_exposure")
    called = [True] * len(wrong) + [False] * (len(pictures) - len(wrong))
    label = "two exposures by a fixed camera, simulated"
    return [_share(f"{label}: called a copy", called, "<= 0"), _share("  to a person", shown)], wrong


def unrelated(market: Market, pictures: dict[str, Pixels]) -> tuple[Row, list[str]]:
    """Ordered pairs of different base pictures that the check names a copy."""
    wrong: list[str] = []
    for name, rgb in pictures.items():
        _, copies = market.check(f"{name} again", rgb, "elsewhere")
        wrong += [f"{name} -> {other}" for other in sorted(copies - {name})]
    pairs = len(pictures) * (len(pictures) - 1)
    counted = [True] * len(wrong) + [False] * (pairs - len(wrong))
    return _share("unrelated pictures: called a copy", counted, "<= 0"), wrong


def _share(name: str, hits: Sequence[bool], bar: str | None = None) -> Row:
    """A share with its Wilson interval."""
    low, high = wilson(sum(hits), len(hits))
    return Row(name, sum(hits) / max(1, len(hits)), low, high, len(hits), bar=bar)


def main(given: Sequence[str] | None = None) -> int:
    """Measures and prints; 1 when a bar is missed."""
    parser = arguments(__doc__)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--pictures", type=int, default=60, help="base pictures (8 when quick)")
    chosen = parser.parse_args(given)
    source = random.Random(chosen.seed)
    pictures = bases(chosen.photos, 8 if chosen.quick else chosen.pictures, source)
    groups = list(places(chosen.photos))[: 4 if chosen.quick else None]
    engine = Engine()
    with tempfile.TemporaryDirectory() as folder, Decoder() as decoder:
        names = ("main", "first", "last", "still")
        markets = [_market(Path(folder) / part, engine, decoder) for part in names]
        for name, rgb in pictures.items():
            markets[0].remember(name, rgb, "base")
        rows, missed = recall(markets[0], pictures, source)
        strangers, wrong = unrelated(markets[0], pictures)
        rows.append(strangers)
        for market, backwards in ((markets[1], False), (markets[2], True)):
            more, called = honest(market, groups, backwards=backwards)
            rows, wrong = rows + more, wrong + called
        more, called = twice(markets[3], pictures, chosen.seed)
        rows, wrong = rows + more, wrong + called
    times = [1000 * seconds for market in markets for seconds in market.times]
    rows += [
        of_quantile("check, processor time p50", times, 0.5, unit="ms"),
        of_quantile("check, processor time p95", times, 0.95, unit="ms"),
    ]
    about = {"engine": engine.reason, "seed": chosen.seed, "not_found": missed, "called_a_copy": wrong}
    print(*(f"called a copy: {pair}" for pair in wrong), sep="\n")
    return finish("Copies found, and honest pictures called one", rows, chosen.json, **about)


def _market(folder: Path, engine: Engine, decoder: Decoder) -> Market:
    folder.mkdir()
    database = Database(f"sqlite:///{folder / 'bench.db'}")
    Base.metadata.create_all(database.engine)
    storage = Storage(f"file://{folder}", bytes(32))
    return Market(Tools(decoder, PictureMemory(database, storage, engine), engine, MuteReader(), TrustList()))


if __name__ == "__main__":
    raise SystemExit(main())
