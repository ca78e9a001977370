"""The red team's samples on disk: one JSON object a line, one line a judged capture of known truth.

Keys: `id`; `base`, the photograph the scene was made from (samples of one base are not independent);
`tier` 0, 1, 2 (or "T0" …); `stratum` ("honest", "protocol", "reuse", "sighted", "adaptive"); `family`, how it
was made, honestly or not; `fraud`, what is false (`frauds.Fraud`), null for an honest one; `split`,
"calibration" or "reported"; `genuine`; `verdict`; `p_genuine`; `findings`, a list of {`check`, `family`,
`status`, `llr`, `reason`} with the *evidence* family;
`answer_right`, true, false or null where nothing was asked or nobody knows; `p_answer`, a number or null.
May be absent: `calibration`, the name and hash of the constants it was judged with. Other keys are left
alone. One id stands once; where it stands more than once (a resumed run) the last line
of the last file counts.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from verification.evidence import Finding, Status, Verdict
from verification.frauds import Fraud
from verification.report_json import finding_of

ANSWERS = "answers"
"""The stratum of genuine captures of which only the answer was examined."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One judged capture of known truth; the fields are those of the file, in types."""

    id: str
    base: str
    tier: int
    stratum: str
    family: str
    split: str
    genuine: bool
    verdict: Verdict
    p_genuine: float
    findings: tuple[Finding, ...]
    fraud: Fraud | None = None
    answer_right: bool | None = None
    p_answer: float | None = None
    calibration: str = ""

    @property
    def proven_false(self) -> bool:
        """Whether a check had proof against it."""
        return any(finding.status is Status.HARD_FAIL for finding in self.findings)


def read(paths: Iterable[Path]) -> list[Sample]:
    """All samples of these files (JSON lines, packed as .xz or not) and of every *.jsonl in these folders, in
    the order of their ids.

    Raises:
        ValueError: a line is no sample; says which.
        OSError: a file cannot be read.
    """
    found: dict[str, Sample] = {}
    for path in _files(paths):
        for number, line in enumerate(_text(path).splitlines(), 1):
            if line.strip():
                try:
                    sample = parse(json.loads(line))
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    raise ValueError(f"{path}:{number} is no sample: {error!r}") from error
                found[sample.id] = sample
    return [found[key] for key in sorted(found)]


def parse(said: Mapping[str, Any]) -> Sample:
    """One line's object. Raises KeyError, TypeError or ValueError where it is no sample."""
    p_genuine, genuine, right = float(said["p_genuine"]), said["genuine"], said.get("answer_right")
    if not 0 <= p_genuine <= 1:
        raise ValueError(f"p_genuine is {p_genuine}")
    if not isinstance(genuine, bool) or not (right is None or isinstance(right, bool)):
        raise TypeError("genuine is true or false, answer_right also null")
    fraud = None if said["fraud"] is None else Fraud(said["fraud"])
    if genuine is not (fraud is None):
        raise ValueError("a false capture names its fraud, a genuine one has none")
    return Sample(
        id=str(said["id"]),
        base=str(said["base"]),
        tier=int(str(said["tier"]).removeprefix("T")),
        stratum=str(said["stratum"]),
        family=str(said["family"]),
        split=str(said["split"]),
        genuine=genuine,
        verdict=Verdict(said["verdict"]),
        p_genuine=p_genuine,
        findings=tuple(finding_of(one) for one in said["findings"]),
        fraud=fraud,
        answer_right=right,
        p_answer=None if said.get("p_answer") is None else float(said["p_answer"]),
        calibration=str(said.get("calibration", "")),
    )


def line_of(sample: Sample) -> str:
    """A sample as one line of the file, without its line end."""
    findings = [
        {
            "check": one.check,
            "family": one.family.value,
            "status": one.status.value,
            "llr": one.llr,
            "reason": one.reason,
        }
        for one in sample.findings
    ]
    names = [each.name for each in fields(sample) if each.name != "findings"]
    return json.dumps({name: getattr(sample, name) for name in names} | {"findings": findings})


def _text(path: Path) -> str:
    if path.suffix != ".xz":
        return path.read_text(encoding="utf-8")
    try:
        return lzma.decompress(path.read_bytes()).decode()
    except lzma.LZMAError as error:
        raise ValueError(f"{path} is no .xz file: {error}") from error


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
