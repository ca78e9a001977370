"""Reports and findings as plain values for JSON: stored, shown and printed in one form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verification.evidence import Family, Finding, Report, Status


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding, but for its bounds."""
    return {
        "check": finding.check,
        "version": finding.version,
        "family": finding.family.value,
        "status": finding.status.value,
        "llr": round(finding.llr, 4),
        "reason": finding.reason,
        "facts": dict(finding.facts),
        "ms": round(finding.ms, 1),
    }


def finding_of(said: Mapping[str, Any]) -> Finding:
    """A finding as far as the file holds it: without bounds, facts and time."""
    llr = float(said["llr"])
    return Finding(
        str(said["check"]),
        str(said.get("version", "")),
        Family(said["family"]),
        Status(said["status"]),
        llr,
        (min(llr, 0.0), max(llr, 0.0)),
        str(said["reason"]),
        {},
        0.0,
    )


def report_json(report: Report) -> dict[str, Any]:
    """A report: everything but the capture's id, its neighbours and the bytes of derivatives."""
    return {
        "verdict": report.verdict.value,
        "p_genuine": report.p_genuine,
        "interval": list(report.interval),
        "p_answer": report.p_answer,
        "frauds": {fraud: float(f"{p:.4g}") for fraud, p in report.frauds.items()},
        "reasons": list(report.reasons),
        "findings": [finding_json(finding) for finding in report.findings],
        "derivatives": [copy.sha256 for copy in report.derivatives],
        "calibration": report.calibration,
        "models": dict(report.models),
        "engine": report.engine,
        "ms": round(report.ms, 1),
    }
