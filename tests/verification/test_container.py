"""What a film's wrapping says of the program that wrote it, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from core.clock import wire
from tests.verification import reels, stage
from verification.case import Case
from verification.checks.container import container
from verification.evidence import Outcome, Status
from verification.film import watch
from verification.picture import Decoder
from verification.statement import parse_statement


def judged(decoder: Decoder, tags: dict[str, str] | None = None, **how: object) -> Outcome:
    data = reels.film(reels.wander(seconds=1.5), tags=tags or {}, **how)
    evidence = stage.photo(data, ask=stage.terms("video"))
    return container(Case(evidence, stage.tools(decoder), film=watch(decoder, data)))


def said(decoder: Decoder, **tags: str) -> Outcome:
    """With these texts in the place of the container's."""
    data = reels.honest()
    film = replace(watch(decoder, data), tags=tags)
    return container(Case(stage.photo(data, ask=stage.terms("video")), stage.tools(decoder), film=film))


@pytest.mark.parametrize("codec", ["h264", "vp9"])
def test_a_plain_film_says_nothing(decoder: Decoder, codec: str) -> None:
    outcome = judged(decoder, codec=codec)
    if codec == "h264":
        assert (outcome.status, outcome.reason, outcome.llr) == (Status.OK, "nothing_odd", 0.0)
    assert outcome.llr >= -0.6  # this writer's WebM names itself even when told not to
    assert container(Case(stage.photo(b"x"), stage.tools(decoder))).reason == "no_film"


@pytest.mark.parametrize(
    "name", ["Chrome", "QTmuxingAppLibWebM-0.0.1", "com.android.version 15", "Apple iPhone 15"]
)
def test_recorders_and_phones_are_no_editors(decoder: Decoder, name: str) -> None:
    assert said(decoder, encoder=name).reason == "nothing_odd"


@pytest.mark.parametrize(
    ("name", "reason", "llr"),
    [
        ("HandBrake 1.9.0 2025", "editor_named", -3.0),
        ("Adobe Premiere Pro", "editor_named", -3.0),
        ("Lavf62.3.100", "converter_named", -0.6),
        ("Sora by OpenAI", "generator_named", -5.0),
    ],
)
def test_a_program_that_names_itself(decoder: Decoder, name: str, reason: str, llr: float) -> None:
    outcome = said(decoder, encoder=name)
    assert (outcome.reason, outcome.llr) == (reason, llr)


def test_a_title_is_no_program(decoder: Decoder) -> None:
    assert said(decoder, title="Adobe houses of Sora", comment="Lavf").reason == "nothing_odd"


def test_an_encoder_inside_the_pictures(decoder: Decoder) -> None:
    assert judged(decoder, marked=True).reason == "converter_named"
    data = b"\x00" * 200 + b"x264 - core 164" + b"\x00" * 200
    film = watch(decoder, reels.honest())
    case = Case(stage.photo(data, ask=stage.terms("video")), stage.tools(decoder), film=film)
    assert container(case).reason == "converter_named"


NOON = stage.NOON  # when the claim was issued; the commitment came 8 s later


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (NOON + timedelta(seconds=5), "nothing_odd"),
        (NOON - timedelta(minutes=1), "nothing_odd"),
        (NOON - timedelta(minutes=40), "created_before_claim"),
        (NOON - timedelta(days=300), "created_before_claim"),
        (NOON + timedelta(minutes=40), "created_after_receipt"),
        (NOON + timedelta(hours=2, seconds=4), "nothing_odd"),  # local time written as if it were UTC
        (NOON - timedelta(hours=5, minutes=30), "nothing_odd"),
        (datetime.fromisoformat("1970-01-01T00:00:00+00:00"), "nothing_odd"),
    ],
)
def test_when_it_says_it_was_made(decoder: Decoder, at: datetime, reason: str) -> None:
    outcome = said(decoder, creation_time=wire(at))
    assert outcome.reason == reason
    assert said(decoder, creation_time="yesterday").reason == "nothing_odd"


def test_a_creation_time_survives_the_file(decoder: Decoder) -> None:
    assert judged(decoder, {"creation_time": "2019-01-01T00:00:00Z"}).reason == "created_before_claim"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("+51.4779-000.0015/", "nothing_odd"),
        ("+51.4779-000.0015+012.3/", "nothing_odd"),
        ("+48.2-016.3/", "created_elsewhere"),
        ("-51.4779-000.0015/", "created_elsewhere"),
        ("+00.0000+000.0000/", "nothing_odd"),
        ("+99.0+000.0/", "nothing_odd"),
        ("at home", "nothing_odd"),
    ],
)
def test_where_it_says_it_was_made(decoder: Decoder, text: str, reason: str) -> None:
    data = reels.honest()
    film = replace(watch(decoder, data), tags={"com.apple.quicktime.location.ISO6709": text})
    evidence = stage.photo(data, ask=stage.terms("video"))
    statement = parse_statement(evidence.session.statement)
    outcome = container(Case(evidence, stage.tools(decoder), None, statement, film=film))
    assert outcome.reason == reason
    assert (outcome.llr <= -5) == (reason == "created_elsewhere")
