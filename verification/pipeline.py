"""Examining one capture: checks run cheap first, their findings fuse, a policy judges.

`examine` opens no transaction and decides no money; it turns Evidence into a Report. The order:
1. cost 0 checks (arithmetic, signatures, decoding in the sandbox), all of them;
2. cost 1 and 2 checks (pixels, nets), only when there are pixels to read; cost 2 only while nothing
   has hard-failed;
   beside these the decoder makes the buyer's copies, where somebody will be handed them, of whatever can be
   read (a film's came with its frames, and is made anew where faces or number plates are in it);
3. fusion (`verification.fusion`) and verdict (`verification.policy`).

A check that raises is a finding with status ERROR, which leads to review:
this runner is the one place that catches every exception.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from verification import bystanders, constants, fusion, plates, policy
from verification.case import Case, Tools
from verification.evidence import (
    Derivative,
    Evidence,
    Family,
    Finding,
    Outcome,
    Report,
    Status,
    ok,
)
from verification.film import veiled
from verification.registry import Check, registered
from verification.statement import said_in

_LOG = logging.getLogger(__name__)
DERIVATIVE_CHECK = "derivative"


def examine(
    evidence: Evidence, tools: Tools, checks: Sequence[Check] | None = None, *, copies: bool = True
) -> Report:
    """Runs the checks that speak about this kind of capture and judges the findings.

    Args:
        checks: cheap first, `decode` among the first; all registered ones unless told.
        copies: whether the buyer's copies are made, which say nothing about the capture.
    """
    started = time.perf_counter()
    case = Case(evidence, tools, statement=said_in(evidence.session))
    findings, derivatives = _seen(case, registered() if checks is None else checks, copies=copies)
    calibration = constants.calibration()
    fused = fusion.fuse(
        findings,
        calibration,
        required=policy.required(evidence.terms),
        answered=evidence.answer is not None,
        tier=evidence.terms.tier,
    )
    verdict, reasons = policy.judge(findings, fused.p_genuine, evidence.terms, calibration)
    return Report(
        capture=evidence.capture,
        verdict=verdict,
        p_genuine=fused.p_genuine,
        interval=fused.interval,
        p_answer=fused.p_answer,
        frauds={fraud.value: p for fraud, p in fused.frauds.items()},
        reasons=reasons,
        findings=tuple(findings),
        neighbours=tuple(case.neighbours),
        derivatives=derivatives,
        calibration=f"{calibration.name} sha256:{calibration.sha256}",
        models={**tools.engine.models, **tools.reader.models},
        engine=tools.engine.reason,
        ms=(time.perf_counter() - started) * 1000,
    )


def _seen(
    case: Case, checks: Sequence[Check], *, copies: bool
) -> tuple[list[Finding], tuple[Derivative, ...]]:
    """All findings, and the buyer's copies, which the decoder's child makes while the checks look here.

    They are made for a refused capture too: the person who answers an appeal must be able to look.
    """
    findings = _findings(case, [check for check in checks if check.cost < 1], [])
    if case.evidence.terms.kind != "stream" and case.picture is None:
        return findings, ()
    dearer = [check for check in checks if check.cost >= 1]
    if not copies:
        return _findings(case, dearer, findings), ()
    with ThreadPoolExecutor(1, "derivatives") as beside:
        made = beside.submit(_derivatives, case)
        findings = _findings(case, dearer, findings)
        derivatives, finding = made.result()
    return [*findings, finding], derivatives


def _findings(case: Case, checks: Sequence[Check], before: Sequence[Finding]) -> list[Finding]:
    """The findings before, and those of these checks."""
    findings = list(before)
    kind = case.evidence.terms.kind
    for check in checks:
        if kind not in check.kinds:
            continue
        if check.cost >= 2 and _broken(findings):
            continue
        findings.append(run(check, case))
    return findings


def _broken(findings: list[Finding]) -> bool:
    return any(finding.status is Status.HARD_FAIL for finding in findings)


def run(check: Check, case: Case) -> Finding:
    """One check's finding: timed, clipped to its bounds, and never an exception."""
    return _guarded(check.name, check.version, check.family, check.bounds, lambda: check.run(case))


def _guarded(
    name: str, version: str, family: Family, bounds: tuple[float, float], act: Callable[[], Outcome]
) -> Finding:
    started = time.perf_counter()
    try:
        outcome = act()
        if not math.isfinite(outcome.llr):
            raise ValueError(f"the check {name} returned llr {outcome.llr}")
        json.dumps(outcome.facts, allow_nan=False)
    except Exception as error:  # noqa: BLE001 - the check runner: a broken check must not stop the others
        _LOG.exception("check %s failed", name)
        outcome = Outcome(Status.ERROR, "check_error", 0.0, {"error": type(error).__name__})
    llr = min(max(outcome.llr, bounds[0]), bounds[1]) if outcome.status is Status.OK else 0.0
    ms = (time.perf_counter() - started) * 1000
    return Finding(name, version, family, outcome.status, llr, bounds, outcome.reason, outcome.facts, ms)


def _derivatives(case: Case) -> tuple[tuple[Derivative, ...], Finding]:
    """The buyer's copies, and a finding that says whether they could be made."""
    made: list[Derivative] = []

    def make() -> Outcome:
        if case.evidence.terms.kind == "stream":
            made.append(_readings(case.evidence))
        elif case.film is not None:
            passing = bystanders.over_time(case.film, case.tools.engine)
            driven = plates.over_time(case.film, case.tools.reader, case.evidence)
            veils = [veil for track in (*passing, *driven) for veil in track]
            made.append(veiled(case.tools.decoder, case.film, veils) if veils else case.film.copy)
            return ok(0.0, "derivative_made", veiled=len(passing) + len(driven), plates=len(driven))
        elif case.picture is not None:
            faces = bystanders.areas(case.picture.rgb, case.tools.engine)
            signs = plates.areas(case.picture.rgb, case.tools.reader, case.evidence)
            made.append(case.tools.decoder.derive(case.evidence.media, [*faces, *signs]))
            return ok(0.0, "derivative_made", veiled=len(faces) + len(signs), plates=len(signs))
        return ok(0.0, "derivative_made")

    finding = _guarded(DERIVATIVE_CHECK, "4", Family.INTEGRITY, (0.0, 0.0), make)
    return tuple(made), finding


def _readings(evidence: Evidence) -> Derivative:
    """A stream for its buyer: one JSON line `[sequence, time, value]` a reading, without claim and nonce."""
    readings = [row for part in evidence.parts for row in json.loads(part.payload)["readings"]]
    data = "".join(json.dumps(row) + "\n" for row in readings).encode()
    sha256 = hashlib.sha256(data).hexdigest()
    return Derivative(data, sha256, "application/x-ndjson", None, None)
