"""How well the classical checks of one picture tell cheats from honest photographs, and what they cost.

    python -m bench.forensics [--photos DIR] [--quick] [--json PATH] [--seed N]

Honest pictures are the files under DIR/real, real_small, same_place as they are, and simulated camera
pictures of them. Screens, splices, second saves, enlargements and sensors are SIMULATED
(tests/verification/screens.py): figures on them say what the method can do, not what happens in the field.
DIR/screens holds real photographs of screens, mostly small devices, many resized. Intervals are 95 %,
from resampling base pictures.
Without DIR the pictures come from scikit-image and scikit-learn: a smoke test.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from bench.duplicates import load, packaged
from core import figures
from tests.verification import screens, stage
from verification.case import Case
from verification.checks.camera_link import SAME_PCE, camera_link
from verification.checks.recapture import NATS, PEAKS, recapture
from verification.checks.splice import splice
from verification.forensics import double_jpeg, resampling, spectrum
from verification.forensics.blocks import coefficients
from verification.measures import prnu
from verification.picture import Decoder, Grain, Pixels, Undecodable

HONEST = ("real", "real_small", "same_place")
DOUBTED = float(np.interp(-1.5, NATS[::-1], PEAKS[::-1]))  # where recapture says "screen_grid"


@dataclass(frozen=True, slots=True)
class Sample:
    """One score, the base picture it came from and what is known of its making."""

    base: str
    score: float
    group: str = ""
    blur: float = 0.0
    pitch: float = 0.0


def auc(negative: Sequence[float], positive: Sequence[float]) -> float:
    """Share of pairs in which the positive scores higher; ties count half."""
    low = np.sort(np.asarray(negative))
    above = np.searchsorted(low, positive, "left") + np.searchsorted(low, positive, "right")
    return float(np.mean(above) / 2 / len(low))


def caught(negative: Sequence[float], positive: Sequence[float]) -> float:
    """Share of positives above the 99th percentile of the negatives."""
    return float((np.asarray(positive) > np.quantile(negative, 0.99)).mean())


def compared(
    name: str, negative: Sequence[Sample], positive: Sequence[Sample], source: np.random.Generator
) -> list[figures.Row]:
    """AUC and TPR at 1 % FPR, with intervals by resampling the base pictures of both sides."""
    if not negative or not positive:
        return []
    sides = (_by_base(negative), _by_base(positive))
    drawn = [[_resampled(side, source) for side in sides] for _ in range(300)]
    rows = []
    for label, figure in (("AUC", auc), ("TPR at 1 % FPR", caught)):
        value = figure([s.score for s in negative], [s.score for s in positive])
        low, high = np.quantile([figure(a, b) for a, b in drawn], [0.025, 0.975])
        rows.append(figures.Row(f"{name}: {label}", value, float(low), float(high), len(positive)))
    return rows


def _by_base(samples: Sequence[Sample]) -> list[list[float]]:
    bases: dict[str, list[float]] = {}
    for sample in samples:
        bases.setdefault(sample.base, []).append(sample.score)
    return list(bases.values())


def _resampled(bases: list[list[float]], source: np.random.Generator) -> list[float]:
    return [score for i in source.integers(0, len(bases), len(bases)) for score in bases[i]]


def files(folder: Path, parts: Sequence[str], step: int) -> Iterator[tuple[str, bytes]]:
    """Source and bytes of every `step`-th file below the parts."""
    for part in parts:
        for path in sorted((folder / part).rglob("*"))[::step]:
            if path.is_file():
                yield f"{part}/{path.name.split('_')[0] if part != 'same_place' else ''}", path.read_bytes()


def peaks_of(decoder: Decoder, folder: Path, parts: Sequence[str], step: int) -> list[Sample]:
    """The recapture score of real files as they are; those too small or of other formats are left out."""
    found = []
    for number, (group, data) in enumerate(files(folder, parts, step)):
        try:
            score = spectrum.peaks(decoder.grain(data).luminance)
        except Undecodable:
            continue
        if score is not None:
            found.append(Sample(f"{group} {number}", score, group))
    return found


def bases(folder: Path | None, count: int, source: np.random.Generator) -> dict[str, Pixels]:
    """Pictures to simulate with: of real/ and same_place/, no close-ups of codes; else the packaged ones."""
    if folder is None:
        return dict(list(packaged().items())[:count])
    paths = [path for part in ("real", "same_place") for path in sorted((folder / part).rglob("*.*"))]
    paths = [path for path in paths if not path.name.startswith(("zx_", "bf_"))]
    found: dict[str, Pixels] = {}
    for i in source.permutation(len(paths)):
        if len(found) < count and (rgb := load(paths[i])) is not None and min(rgb.shape[:2]) >= 400:
            found[paths[i].name] = rgb
    return found


def screens_of(
    decoder: Decoder, pictures: dict[str, Pixels], source: np.random.Generator
) -> tuple[list[Sample], list[Sample]]:
    """Simulated camera pictures of the things themselves, and two of a screen that shows each."""
    honest, cheats = [], []

    def score(rgb: Pixels, quality: int) -> float:
        return spectrum.peaks(decoder.grain(screens.jpeg(rgb, quality)).luminance) or 0.0

    for name, rgb in pictures.items():
        quality = int(source.integers(80, 96))
        honest.append(Sample(name, score(screens.of_scene(rgb, source, source.uniform(0.3, 1.2)), quality)))
        for _ in range(2):
            pitch, blur = float(np.exp(source.uniform(np.log(0.8), np.log(4)))), float(source.uniform(0, 2))
            seen = screens.of_screen(rgb, source, pitch, blur)
            cheats.append(Sample(name, score(seen, quality), blur=blur, pitch=pitch))
    return honest, cheats


def recaptures(
    decoder: Decoder,
    folder: Path | None,
    pictures: dict[str, Pixels],
    source: np.random.Generator,
    step: int,
) -> list[figures.Row]:
    """The figures of the recapture check."""
    camera, cheats = screens_of(decoder, pictures, source)
    honest = peaks_of(decoder, folder, HONEST, step) if folder else []
    negative = honest + camera
    rows = compared("screen, simulated, all", negative, cheats, source)
    for name, low, high in (("blur < 0.7 px", 0, 0.7), ("blur 0.7-1.3", 0.7, 1.3), ("blur > 1.3", 1.3, 9)):
        rows += compared(f"screen, {name}", negative, [c for c in cheats if low <= c.blur < high], source)
    plain = [s for s in negative if not s.group.endswith(("/zx", "/bf"))]
    rows += compared("screen, all, close-ups of codes left out", plain, cheats, source)
    if folder:
        rows += compared(
            "screens/, real photographs", honest, peaks_of(decoder, folder, ("screens",), 1), source
        )
    for group in sorted({sample.group for sample in honest}):
        own = [sample for sample in honest if sample.group == group]
        rows.append(_share(f"honest {group} called a screen", [s.score > DOUBTED for s in own]))
    return rows


def _share(name: str, hits: Sequence[bool]) -> figures.Row:
    """A share with its Wilson interval."""
    n, z, p = len(hits), 1.959964, float(np.mean(hits))
    middle, half = p + z * z / 2 / n, z * float(np.sqrt(p * (1 - p) / n + z * z / 4 / n / n))
    low, high = (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
    return figures.Row(name, p, max(0.0, low), min(1.0, high), n)


def pieces(decoder: Decoder, pictures: dict[str, Pixels], source: np.random.Generator) -> list[figures.Row]:
    """Saved once, twice, with a pasted piece, enlarged: each from the same simulated camera picture."""
    kinds = ("once", "twice", "twice, finer", "pasted", "pasted, finer", "enlarged")
    found: dict[str, dict[str, list[Sample]]] = {
        kind: {"strength": [], "spread": [], "line": []} for kind in kinds
    }
    taken = {name: screens.of_scene(rgb, source, 0.6) for name, rgb in pictures.items()}
    others = list(taken.values())
    for number, (name, rgb) in enumerate(taken.items()):
        first, last = int(source.integers(55, 96)), int(source.integers(75, 97))
        opened = np.asarray(Image.open(io.BytesIO(screens.jpeg(rgb, first))).convert("RGB"), np.uint8)
        made = {"once": rgb, "twice": opened, "pasted": _pasted(opened, others[number - 1], source)}
        made["enlarged"] = cv2.resize(opened, None, fx=1.3, fy=1.3, interpolation=cv2.INTER_CUBIC).astype(
            np.uint8
        )
        for kind, pixels in made.items():
            scores = _traces(decoder.grain(screens.jpeg(pixels, last)))
            for trace, score in scores.items():
                found[kind][trace].append(Sample(name, score))
                if last >= first + 5 and f"{kind}, finer" in found:
                    found[f"{kind}, finer"][trace].append(Sample(name, score))
    rows = []
    for trace, honest, cheat in (
        ("strength", "once", "twice"),
        ("strength", "once", "twice, finer"),
        ("spread", "once", "pasted"),
        ("spread", "once", "pasted, finer"),
        ("spread", "twice", "pasted, finer"),
        ("line", "once", "enlarged"),
    ):
        rows += compared(
            f"{trace}: saved {honest} / {cheat}", found[honest][trace], found[cheat][trace], source
        )
    return rows


def _traces(grain: Grain) -> dict[str, float]:
    blocks = coefficients(grain)
    strength, spread = double_jpeg.strength(blocks), double_jpeg.spread(blocks)
    return {"strength": strength or 0.0, "spread": spread or 0.0, "line": resampling.line(grain.luminance)}


def _pasted(host: Pixels, donor: Pixels, source: np.random.Generator) -> Pixels:
    """A soft-edged ellipse of the donor, about a seventh of the area."""
    height, width = min(host.shape[0], donor.shape[0]), min(host.shape[1], donor.shape[1])
    mask = np.zeros((height, width), np.float32)
    middle = (int(width * source.uniform(0.3, 0.7)), int(height * source.uniform(0.3, 0.7)))
    cv2.ellipse(mask, middle, (int(width * 0.22), int(height * 0.22)), 0, 0, 360, 1, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), 1.5)[..., None]
    return np.asarray(host[:height, :width] * (1 - soft) + donor[:height, :width] * soft, np.uint8)


def real_doubts(decoder: Decoder, folder: Path, step: int) -> list[figures.Row]:
    """How often the splice check doubts real JPEG files, many of which were saved more than once."""
    outcomes = []
    for _, data in files(folder, HONEST, step):
        if data[:2] == b"\xff\xd8":
            outcomes.append(splice(Case(stage.photo(data), stage.tools(decoder))))
    spoken = [outcome for outcome in outcomes if outcome.reason not in {"too_small", "no_picture"}]
    return [
        _share(f"real JPEG files: {reason}", [outcome.reason == reason for outcome in spoken])
        for reason in ("one_piece", "compressed_before", "pieces_differ", "resampled", "too_little_detail")
    ] + [_share("real JPEG files doubted by over 1 nat", [outcome.llr < -1 for outcome in spoken])]


def cameras(
    decoder: Decoder, pictures: dict[str, Pixels], source: np.random.Generator, shots: int
) -> list[figures.Row]:
    """Sensors of 1 % non-uniformity: fingerprints of three pictures against all later ones, and painted."""
    makers = 4
    sensors = [(1 + 0.01 * source.normal(0, 1, (1024, 1024))).astype(np.float32) for _ in range(makers)]
    noises: list[list[prnu.Floats]] = [[] for _ in sensors]
    prints: list[list[bytes]] = [[] for _ in sensors]
    taken: list[Pixels] = []
    for number, rgb in enumerate(list(pictures.values())[: makers * shots]):
        size = max(1024 / rgb.shape[0], 1024 / rgb.shape[1])
        light = cv2.resize(screens.linear(rgb), None, fx=size, fy=size, interpolation=cv2.INTER_CUBIC)
        scene = np.asarray(light[:1024, :1024].clip(0, 1), np.float32)
        seen = screens.camera(scene, source, np.asarray(sensors[number % makers], np.float32))
        grain = decoder.grain(screens.jpeg(seen, int(source.choice([85, 92]))))
        found, kept = prnu.residual(grain), prnu.noise_print(grain)
        if found is not None and kept is not None:
            prints[number % makers].append(kept.packed)
            noises[number % makers].append(found)
            taken.append(seen)
    same: list[float] = []
    other: list[float] = []
    painted: list[float] = []
    for owner, own in enumerate(prints):
        pattern = prnu.fingerprint(own[:3])
        for camera, theirs in enumerate(noises):
            energies = [prnu.pce(pattern, found) for found in (theirs[3:] if camera == owner else theirs)]
            (same if camera == owner else other).extend(energies)
        forged = taken[(owner + 1) % makers] * (1 + 0.02 * (pattern / pattern.std())[..., None])
        grain = decoder.grain(screens.jpeg(np.clip(forged, 0, 255).astype(np.uint8), 92))
        found = prnu.residual(grain)
        painted += [prnu.pce(pattern, found)] if found is not None else []
    rows = [_share("camera, simulated: same one recognised (PCE >= 60)", [e >= SAME_PCE for e in same])]
    rows.append(_share("camera, simulated: another one taken for it", [e >= SAME_PCE for e in other]))
    rows.append(figures.of_quantile("camera, simulated: PCE of the same", same, 0.5))
    rows.append(figures.of_quantile("camera, simulated: PCE of others, 99 %", other, 0.99))
    rows.append(figures.of_quantile("camera, simulated: PCE of a painted fingerprint", painted, 0.5))
    return rows


def times(decoder: Decoder, source: np.random.Generator) -> list[figures.Row]:
    """Milliseconds of processor time, and of wall time for decoding, which another process does."""
    rows = []
    checks: tuple[tuple[str, Callable[[Case], object]], ...] = (
        ("decode at native resolution", lambda case: case.grain()),
        ("recapture", recapture),
        ("splice", splice),
        ("camera_link (no earlier pictures)", camera_link),
    )
    for name, width, height in (("1.9 MP", 1600, 1200), ("12 MP", 4000, 3000)):
        rough = source.integers(0, 256, (height // 40, width // 40, 3), dtype=np.uint8)
        plane = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
        plane += source.integers(-9, 10, plane.shape, dtype=np.int16)
        data = screens.jpeg(np.clip(plane, 0, 255).astype(np.uint8), 90)
        spent: dict[str, list[float]] = {label: [] for label, _ in checks}
        for _ in range(7):
            case = Case(stage.photo(data), stage.tools(decoder))
            for label, check in checks:
                clock = time.perf_counter if label.startswith("decode") else time.process_time
                began = clock()
                check(case)
                spent[label].append((clock() - began) * 1000)
        rows += [figures.of_quantile(f"{name}: {k}", v, 0.5, unit="ms") for k, v in spent.items()]
    return rows


def main(given: Sequence[str] | None = None) -> int:
    """Measures, prints the table, writes JSON on request."""
    parser = figures.arguments(__doc__)
    parser.add_argument("--photos", type=Path)
    chosen = parser.parse_args(given)
    folder = chosen.photos if chosen.photos and chosen.photos.is_dir() else None
    source = np.random.default_rng(chosen.seed)
    count, step = (24, 3) if chosen.quick else (80, 1)
    with Decoder() as decoder:
        pictures = bases(folder, count, source)
        rows = recaptures(decoder, folder, pictures, source, step)
        rows += pieces(decoder, pictures, source)
        rows += real_doubts(decoder, folder, step) if folder else []
        rows += cameras(decoder, pictures, source, 6 if chosen.quick else 12) if len(pictures) >= 16 else []
        rows += times(decoder, source)
    about = {"photos": "given" if folder else "packaged", "seed": chosen.seed, "bases": len(pictures)}
    return figures.finish("Classical forensics of one picture", rows, chosen.json, **about)


if __name__ == "__main__":
    raise SystemExit(main())
