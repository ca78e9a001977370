"""One judged sample as one JSON line: the truth, the verdict, the findings, and what the control may see."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from PIL import Image

from core.geo import Area
from verification import constants, fusion, policy
from verification.evidence import Family, Finding, Report, Terms
from verification.redteam.registry import Recipe, Stratum
from verification.redteam.workshop import Sample, Workshop
from verification.report_json import finding_json, finding_of


@dataclass(frozen=True, slots=True)
class Line:
    """A judged sample. `key` names what it was made with, `versions` the checks that spoke (`redteam.keys`);
    `file` is the control's view of it.

    `split`, `stratum`, `family` are those of the recipe; `base` is the photograph; `genuine` the truth.
    """

    id: str
    key: str
    family: str
    stratum: str
    split: str
    tier: int
    base: str
    mode: str
    seed: int
    index: int
    genuine: bool
    fraud: str | None
    verdict: str
    p_genuine: float
    p_answer: float | None
    answer_right: bool | None
    tries: int
    note: str
    reasons: list[str]
    findings: list[dict[str, Any]]
    file: dict[str, Any]
    stake_micros: int
    required: list[str]
    ms: float
    calibration: str
    versions: dict[str, str]

    def text(self) -> str:
        """One line of the cache, without its end."""
        return json.dumps(asdict(self), separators=(",", ":"))


def parse(text: str) -> Line:
    """A line of the cache. Raises ValueError or TypeError where it is none (a run was cut off)."""
    return Line(**json.loads(text))


def compose(
    recipe: Recipe, workshop: Workshop, sample: Sample, report: Report, *, key: str, seed: int, index: int
) -> Line:
    """The line of a sample and its report."""
    terms = sample.context.evidence.terms
    return Line(
        id=f"{recipe.name}-T{workshop.tier}-{seed}-{index}",
        key=key,
        family=recipe.name,
        stratum=recipe.stratum.value,
        split=recipe.split.value,
        tier=workshop.tier,
        base=workshop.base.id,
        mode=workshop.mode,
        seed=seed,
        index=index,
        genuine=recipe.genuine,
        fraud=None if recipe.fraud is None else recipe.fraud.value,
        verdict=report.verdict.value,
        p_genuine=round(report.p_genuine, 6),
        p_answer=None if report.p_answer is None else round(report.p_answer, 6),
        answer_right=sample.answer_right,
        tries=sample.tries,
        note=sample.note,
        reasons=list(report.reasons),
        findings=[_finding(one) for one in report.findings],
        file=outside(sample.context.evidence.media),
        stake_micros=terms.stake_micros,
        required=sorted(terms.required),
        ms=round(report.ms, 1),
        calibration=report.calibration,
        versions={one.check: one.version for one in report.findings},
    )


def _finding(one: Finding) -> dict[str, Any]:
    """What of a finding is kept: its version stands once a line, in `versions`."""
    kept = ("check", "family", "status", "llr", "reason", "facts")
    said = finding_json(one)
    return {name: said[name] for name in kept}


def outside(media: bytes) -> dict[str, Any]:
    """What can be said of a file without looking at the picture: size, quantisation tables, EXIF."""
    about: dict[str, Any] = {"bytes": len(media)}
    if not media.startswith(b"\xff\xd8"):  # only a JPEG has tables; a bomb is not opened here
        return about | {"unreadable": True}
    try:
        with Image.open(io.BytesIO(media)) as opened:
            tables = getattr(opened, "quantization", None) or {}
            exif = opened.getexif()
            about["q"] = [int(sum(tables[name])) for name in sorted(tables)]
            about["exif"] = {str(tag): str(value)[:40] for tag, value in exif.items()}
            about["gps"] = bool(exif.get_ifd(0x8825))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        about["unreadable"] = True
    return about


def findings_of(line: Line) -> list[Finding]:
    """The findings, as far as a line holds them."""
    return [finding_of(one | {"version": line.versions.get(one["check"], "")}) for one in line.findings]


def rejudged(line: Line) -> Line:
    """The line under constants and policy in force now: findings stay, fusion and policy are done again.

    So a new calibration or policy costs seconds, not a new run. Adaptive lines are not judged again: what
    their cheat tried next depended on the verdicts.
    """
    used = constants.calibration()
    if line.stratum == Stratum.ADAPTIVE:
        return line
    findings, terms = findings_of(line), _terms(line)
    fused = fusion.fuse(
        findings,
        used,
        required=policy.required(terms),
        answered=line.p_answer is not None,
        tier=line.tier,
    )
    verdict, reasons = policy.judge(findings, fused.p_genuine, terms, used)
    return replace(
        line,
        verdict=verdict.value,
        p_genuine=round(fused.p_genuine, 6),
        p_answer=None if fused.p_answer is None else round(fused.p_answer, 6),
        reasons=list(reasons),
        calibration=f"{used.name} sha256:{used.sha256}",
    )


def _terms(line: Line) -> Terms:
    """What the policy asks of the terms; place and time are not its matter."""
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    return Terms(
        bounty="",
        kind="photo",
        tier=line.tier,
        required=frozenset(map(Family, line.required)),
        area=Area.disc(0.0, 0.0, 100.0),
        opens_at=long_ago,
        closes_at=long_ago,
        ask="",
        answer_schema={},
        stake_micros=line.stake_micros,
    )
