"""The stream check: one break at a time, and the reason that names it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from core.clock import parse_instant, wire
from tests.verification import stage
from tests.verification.stage import NOON, Recording
from verification.case import Case
from verification.checks.stream import stream
from verification.evidence import Evidence, Json, Outcome, Status
from verification.picture import Decoder
from verification.statement import parse_statement


def judged(evidence: Evidence, decoder: Decoder) -> Outcome:
    return stream(Case(evidence, stage.tools(decoder), statement=parse_statement(evidence.session.statement)))


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519"])
def test_an_honest_stream(decoder: Decoder, algorithm: str) -> None:
    outcome = judged(stage.recording(algorithm).evidence(), decoder)
    assert (outcome.status, outcome.reason, outcome.llr) == (Status.OK, "stream_sound", 1.0)
    assert outcome.facts == {"readings": 20, "parts": 2, "values": 20}


def _value(made: Recording, value: Json) -> Evidence:
    made.rows[1][3][2] = value
    return made.evidence()


def _time(made: Recording, seconds: float) -> Evidence:
    made.rows[1][3][1] = wire(NOON + timedelta(seconds=seconds))
    return made.evidence()


def _sequence(made: Recording, number: Json) -> Evidence:
    made.rows[1][3][0] = number
    return made.evidence()


def _shifted(made: Recording, delta: timedelta) -> Evidence:
    for part in made.rows:
        for row in part:
            row[1] = wire(NOON + timedelta(seconds=2 * float(str(row[0]))) + delta)
    return made.evidence()


def _payload(made: Recording, **changes: Json) -> Evidence:
    return made.evidence([made.part(0), made.part(1, made.payload(1, **changes))])


def _text(made: Recording, payload: str) -> Evidence:
    return made.evidence([made.part(0), made.part(1, payload)])


def _parts_said(made: Recording, parts: int) -> Evidence:
    made.said["parts"] = parts
    return made.evidence()


def _other_media(made: Recording) -> Evidence:
    return made.evidence(media=b"something else")


def _foreign_key(made: Recording) -> Evidence:
    return made.evidence([made.part(0), made.part(1, key=stage.new_key("Ed25519"))])


def _short(made: Recording) -> Evidence:
    made.rows.pop()
    return made.evidence()


BROKEN: list[tuple[str, Callable[[Recording], Evidence]]] = [
    ("no_parts", lambda made: made.evidence([])),
    ("parts_missing", lambda made: _parts_said(made, 3)),
    ("media_is_not_the_parts", _other_media),
    ("part_out_of_order", lambda made: made.evidence([made.part(1), made.part(0)])),
    ("part_out_of_order", lambda made: _payload(made, part=0)),
    ("bad_part_signature", _foreign_key),
    ("part_of_other_claim", lambda made: _payload(made, claim="clm_" + "7" * 26)),
    ("wrong_part_nonce", lambda made: _payload(made, nonce="00" * 32)),
    ("unreadable_part", lambda made: _payload(made, readings="none")),
    ("unreadable_part", lambda made: _payload(made, readings=[[10, wire(NOON)]])),
    ("unreadable_part", lambda made: _text(made, "{")),
    ("unreadable_part", lambda made: _text(made, '{"readings": [[10, "2026-06-21T12:00:20Z", NaN]]}')),
    ("unreadable_part", lambda made: _text(made, '{"part": 1, "part": 2, "readings": []}')),
    ("unreadable_part", lambda made: _value(made, True)),
    ("unreadable_part", lambda made: _value(made, "21")),
    ("unreadable_part", lambda made: _sequence(made, 13.0)),
    ("sequence_gap", lambda made: _sequence(made, 14)),
    ("sequence_gap", lambda made: _sequence(made, 12)),
    ("time_not_increasing", lambda made: _time(made, 24.0)),
    ("time_not_increasing", lambda made: _time(made, 1.0)),
    ("readings_too_dense", lambda made: _time(made, 24.5)),
    ("outside_window", lambda made: _shifted(made, timedelta(hours=-1))),
    ("outside_window", lambda made: _shifted(made, timedelta(hours=1))),
    ("value_out_of_range", lambda made: _value(made, 60.1)),
    ("value_out_of_range", lambda made: _value(made, -20.1)),
    ("too_few_readings", _short),
]


@pytest.mark.parametrize(("reason", "breaks"), BROKEN)
def test_one_break(decoder: Decoder, reason: str, breaks: Callable[[Recording], Evidence]) -> None:
    outcome = judged(breaks(stage.recording()), decoder)
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, reason)


def test_one_edited_digit_breaks_the_signature(decoder: Decoder) -> None:
    made = stage.recording()
    parts = [made.part(0), made.part(1)]
    edited = parts[1].payload.replace("21.5", "22.5")
    assert edited != parts[1].payload
    parts[1] = type(parts[1])(1, edited, parts[1].signature, parts[1].received_at)
    assert judged(made.evidence(parts), decoder).reason == "bad_part_signature"


def test_a_stuck_sensor_scores_against(decoder: Decoder) -> None:
    made = stage.recording()
    for part in made.rows:
        for row in part:
            row[2] = 20
    outcome = judged(made.evidence(), decoder)
    assert (outcome.status, outcome.reason) == (Status.OK, "stuck")
    assert outcome.llr < -2


def test_nothing_agreed_bounds_nothing(decoder: Decoder) -> None:
    made = stage.recording()
    made.rows[1][3][2] = 1e6
    made.rows.pop(0)
    made.rows.insert(0, [])
    evidence = made.evidence(ask=stage.terms("stream"))
    assert json.loads(evidence.parts[0].payload)["readings"] == []
    assert judged(evidence, decoder).reason == "stream_sound"


def test_readings_of_a_time_handed_in_before_are_not_sold_again(decoder: Decoder) -> None:
    made = stage.recording()
    first = parse_instant(str(made.rows[0][0][1]))
    again = judged(made.evidence(last_reading_at=first), decoder)
    assert (again.status, again.reason) == (Status.HARD_FAIL, "window_overlaps")
    later = judged(made.evidence(last_reading_at=first - timedelta(seconds=1)), decoder)
    assert later.reason == "stream_sound"
