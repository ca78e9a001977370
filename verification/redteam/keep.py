"""A context as a folder that `python -m verification examine` reads: context.json and the files it names.

Attestations and timestamps stay behind: the authorities that signed them live as long as the process.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from core.clock import wire
from verification.context import Context
from verification.evidence import Evidence, Json
from verification.statement import parse_statement


def keep_context(context: Context, folder: Path) -> Path:
    """Writes the folder; returns the path of its context.json. The signature was checked when it was made."""
    folder.mkdir(parents=True, exist_ok=True)
    evidence = context.evidence
    (folder / "media.jpg").write_bytes(evidence.media)
    said: dict[str, Json] = {
        "file": "media.jpg",
        "kind": evidence.terms.kind,
        "tier": f"T{evidence.terms.tier}",
        "bounty": _bounty(evidence),
        "claim": _claim(evidence),
        "answer": evidence.answer,
        "session": {"verified": True},
        "received_at": _at(evidence.session.committed_at or evidence.session.submitted_at),
        **_files(evidence, folder),
    }
    signed = parse_statement(evidence.session.statement)
    if signed is not None:
        named = {"taken_at": "captured_at", "device": "device_id"}
        kept = ("nonce", "sha256", "taken_at", "lat", "lon", "accuracy_m", "device")
        said["statement"] = {named.get(key, key): signed[key] for key in kept if key in signed}
    if evidence.standing:
        standing = evidence.standing
        said["account"] = {
            "id": evidence.session.account,
            "age_days": standing.age_days,
            "accepted": standing.accepted,
            "rejected": standing.rejected,
        }
    said["memory"] = _memory(context, folder)
    path = folder / "context.json"
    path.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return path


def _at(moment: datetime | None) -> str | None:
    return wire(moment) if moment else None


def _bounty(evidence: Evidence) -> dict[str, Json]:
    terms, area = evidence.terms, evidence.terms.area
    return {
        "lat": area.centre.lat if area else None,
        "lon": area.centre.lon if area else None,
        "radius_m": area.radius_m if area else None,
        "opens_at": _at(terms.opens_at),
        "closes_at": _at(terms.closes_at),
        "ask": terms.ask,
        "answer_schema": dict(terms.answer_schema),
        "reward_micros": terms.stake_micros,
    }


def _claim(evidence: Evidence) -> dict[str, Json]:
    session = evidence.session
    kind = "qr" if session.code else "pan" if session.pan else "torch" if session.torch else "none"
    return {
        "nonce": session.nonce,
        "issued_at": _at(session.issued_at),
        "expires_at": _at(session.deadline),
        "challenge": {"type": kind, "expected": session.code or session.pan or session.torch},
    }


def _files(evidence: Evidence, folder: Path) -> dict[str, Json]:
    said: dict[str, Json] = {}
    if evidence.burst:
        said["frames"] = _written(folder, "frame", evidence.burst.frames)
        if evidence.burst.motion:
            (folder / "motion.csv").write_text(evidence.burst.motion, encoding="utf-8")
            said["motion"] = "motion.csv"
    for name, held in (("references", evidence.references), ("examples", evidence.examples)):
        if held:
            said[name] = _written(folder, name, held)
    return said


def _written(folder: Path, stem: str, held: tuple[bytes, ...]) -> list[Json]:
    names: list[Json] = []
    for number, data in enumerate(held):
        name = f"{stem}-{number:02d}.jpg"
        (folder / name).write_bytes(data)
        names.append(name)
    return names


def _memory(context: Context, folder: Path) -> list[Json]:
    said: list[Json] = []
    for number, earlier in enumerate(context.memory):
        name = f"earlier-{number:02d}.jpg"
        (folder / name).write_bytes(earlier.media)
        entry: dict[str, Json] = {"path": name, "account": earlier.account}
        if earlier.spot:
            entry |= {"lat": earlier.spot.lat, "lon": earlier.spot.lon}
        if earlier.captured_at:
            entry["captured_at"] = wire(earlier.captured_at)
        said.append(entry)
    return said
