"""Media on its way in: what each kind takes, what is told to the rest, what is counted and left behind."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from bounties import rules, submissions
from bounties.rules import Kind, StreamTerms
from bounties.submissions import MAX_BEGUN, MAX_DELIVERIES, check_upload
from bounties.tables import Claim
from core import errors
from core.accounts.rules import DeviceKind
from core.accounts.tables import Device
from core.db import Database
from core.sealing import PIECE
from tests.bounties import scene
from tests.bounties.scene import NOW
from tests.bounties.test_settlement import buyer
from tests.bounties.uploading import Claimed, claimed
from tests.inside import Inside, is_problem

VIDEO, PHOTO = rules.MEDIA[Kind.VIDEO], rules.MEDIA[Kind.PHOTO]


@pytest.fixture
def film(inside: Inside) -> Claimed:
    return claimed(inside, Kind.VIDEO)


@pytest.mark.parametrize("form", ["video/mp4", "video/webm;codecs=vp8", "Video/QuickTime ; codecs=hvc1"])
def test_a_videos_types_are_taken_with_their_codecs(film: Claimed, form: str) -> None:
    data = secrets.token_bytes(3 * PIECE + 5)
    answer = film.put(data, form)
    assert (answer.status_code, answer.json()["size"]) == (200, len(data)), answer.text
    assert film.noted() == (answer.json()["sha256"], 1)
    assert film.inside.app.state.storage.unseal(answer.json()["sha256"]) == data
    with film.inside.database.reading() as session:
        assert session.get_one(Claim, film.id).media_type == form.partition(";")[0].strip().lower()


@pytest.mark.parametrize(
    "form", ["image/jpeg", "video/x-msvideo", "application/zip", "text/html", "", "video"]
)
def test_another_type_is_refused_before_a_byte_is_read(film: Claimed, form: str) -> None:
    answer = film.put(b"x", form)
    assert (answer.status_code, answer.json()["code"], is_problem(answer)) == (400, "BadInput", True)
    assert answer.json()["facts"]["allowed"] == sorted(VIDEO.types)
    assert film.noted() == (None, 0)


def test_a_photo_bounty_takes_no_video(inside: Inside) -> None:
    answer = claimed(inside, Kind.PHOTO).put(b"x", "video/mp4")
    assert (answer.status_code, answer.json()["facts"]["allowed"]) == (400, sorted(PHOTO.types))


def test_nothing_is_no_upload(film: Claimed) -> None:
    answer = film.put(b"", "video/mp4")
    assert (answer.status_code, answer.json()["code"]) == (400, "BadInput")
    assert (film.noted(), film.stored()) == ((None, 0), [])


def test_a_video_may_be_larger_than_a_photo_and_each_has_its_limit(inside: Inside, film: Claimed) -> None:
    large = bytes(PHOTO.limit + 1)
    assert film.put(large, "video/mp4").status_code == 200
    refused = claimed(inside, Kind.PHOTO).put(large, "image/jpeg")
    assert (refused.status_code, refused.json()["code"]) == (413, "TooLarge")
    assert refused.json()["facts"] == {"limit": PHOTO.limit}


def test_a_photo_of_unstated_length_is_cut_off_at_its_own_limit(inside: Inside) -> None:
    photo = claimed(inside, Kind.PHOTO)
    refused = photo.put((bytes(65_536) for _ in range(PHOTO.limit // 65_536 + 2)), "image/jpeg")
    assert (refused.status_code, refused.json()["facts"]) == (413, {"limit": PHOTO.limit})
    assert (photo.noted(), photo.stored()) == ((None, 0), [])


def test_a_video_that_says_it_is_too_large_is_refused_unread(film: Claimed) -> None:
    nothing = iter([{"type": "http.request", "body": b"x" * 65_536, "more_body": True}])
    assert film.stream(nothing, VIDEO.limit + 1) == (413, 0)


def test_a_photo_that_says_it_is_too_large_is_refused_unread(inside: Inside) -> None:
    """Though a video may be as large: the limit is its kind's."""
    nothing = iter([{"type": "http.request", "body": b"x" * 65_536, "more_body": True}])
    assert claimed(inside, Kind.PHOTO).stream(nothing, PHOTO.limit + 1, "image/jpeg") == (413, 0)


def test_a_video_that_turns_out_too_large_is_cut_off_and_leaves_nothing(film: Claimed) -> None:
    def endless() -> Iterator[dict[str, Any]]:
        body = bytes(4 * PIECE)
        while True:
            yield {"type": "http.request", "body": body, "more_body": True}

    status, read = film.stream(endless())
    assert status == 413
    assert VIDEO.limit < read <= VIDEO.limit + 4 * PIECE
    assert (film.noted(), film.stored()) == ((None, 0), [])


def test_an_upload_cut_off_leaves_nothing(film: Claimed) -> None:
    half = {"type": "http.request", "body": secrets.token_bytes(3 * PIECE), "more_body": True}
    assert film.stream(iter([half, half, {"type": "http.disconnect"}]), 20 * PIECE)[0] == 400
    assert (film.noted(), film.stored()) == ((None, 0), [])
    assert film.put(b"the whole", "video/mp4").status_code == 200


def test_uploads_are_counted_and_refused_types_are_not(film: Claimed) -> None:
    for _ in range(MAX_DELIVERIES + 1):
        assert film.put(b"x", "image/gif").status_code == 400
    statuses = [film.put(b"x", "video/mp4").status_code for _ in range(MAX_DELIVERIES + 1)]
    assert statuses == [200] * MAX_DELIVERIES + [409]
    refused = film.put(b"x", "video/mp4").json()
    assert (refused["code"], refused["hint"]) == ("StateConflict", "Submit, or claim again.")


def test_uploads_that_the_network_cut_off_are_no_deliveries_but_not_without_end(film: Claimed) -> None:
    part = {"type": "http.request", "body": b"half a film", "more_body": True}
    for _ in range(MAX_DELIVERIES + 1):
        assert film.stream(iter([part, {"type": "http.disconnect"}]))[0] == 400
    assert film.put(b"the whole", "video/mp4").status_code == 200
    for _ in range(MAX_BEGUN - MAX_DELIVERIES - 2):
        assert film.stream(iter([part, {"type": "http.disconnect"}]))[0] == 400
    assert film.stream(iter([part, {"type": "http.disconnect"}]))[0] == 409


@pytest.mark.parametrize("body", [b"", bytes(VIDEO.limit + 1)], ids=["empty", "too large for anybody"])
def test_what_is_refused_for_what_it_is_counts_as_delivered(film: Claimed, body: bytes) -> None:
    with film.inside.database.transaction() as session:
        session.get_one(Claim, film.id).deliveries = MAX_DELIVERIES - 1
    assert film.stream(iter([{"type": "http.request", "body": body, "more_body": False}]))[0] in {400, 413}
    assert film.put(b"x", "video/mp4").status_code == 409


def test_uploads_begun_side_by_side_are_not_all_kept(film: Claimed) -> None:
    """They are counted again when they are whole."""

    def meanwhile() -> Iterator[dict[str, Any]]:
        with film.inside.database.transaction() as session:
            session.get_one(Claim, film.id).deliveries = MAX_DELIVERIES
        yield {"type": "http.request", "body": b"x", "more_body": False}

    assert film.stream(meanwhile())[0] == 409
    assert (film.noted(), film.stored()) == ((None, 0), [])


def test_a_stream_has_no_media(database: Database) -> None:
    key = buyer(database)
    terms = StreamTerms("Cel", 0.0, 1.0, 1, 0.0)
    with database.transaction() as session:
        bounty = scene.post(session, key, scene.ask(kind=Kind.STREAM, stream=terms))
        probe = scene.new_person(session)
        session.get_one(Device, probe.device).kind = DeviceKind.INSTRUMENT
        claim = scene.claim(session, probe, bounty)
        with pytest.raises(errors.BadInput, match="no media"):
            check_upload(session, claim, "image/jpeg", 1)


def test_uploads_to_one_claim_are_counted(database: Database) -> None:
    with database.transaction() as session:
        bounty, person = scene.post(session, scene.new_agent(session)), scene.new_person(session)
        claim = scene.claim(session, person, bounty)
        for _ in range(submissions.MAX_DELIVERIES):
            submissions.count_delivery(session, claim, 1, now=NOW)
        for count in (submissions.count_delivery, submissions.begin_upload):
            with pytest.raises(errors.StateConflict):
                count(session, claim, 1, now=NOW)


def test_what_an_account_uploaded_for_nothing_is_bounded_and_forgotten_after_a_day(
    database: Database,
) -> None:
    """Retakes and claims let go are kept for a day; what a capture has does not count."""
    size, room = submissions.MAX_UNUSED // 4, submissions.MAX_UNUSED
    with database.transaction() as session:
        agent, person, other = (scene.new_agent(session), *[scene.new_person(session) for _ in "ab"])
        held = [scene.claim(session, person, scene.post(session, agent)) for _ in range(3)]
        for claim in held:
            submissions.count_delivery(session, claim, size, now=NOW)
        assert submissions.unused_bytes(session, person.account, now=NOW) == 3 * size
        submissions.begin_upload(session, held[0], room - 3 * size, now=NOW)
        for count in (submissions.begin_upload, submissions.count_delivery):
            with pytest.raises(errors.TooMany) as caught:
                count(session, held[0], room - 3 * size + 1, now=NOW)
            assert caught.value.facts["limit"] == room
        elsewhere = scene.claim(session, other, scene.post(session, agent))
        submissions.begin_upload(session, elsewhere, room, now=NOW)  # it is the account's, not the house's
        scene.submit(session, person, held[0])
        held[0].media_size = size
        session.flush()
        assert submissions.unused_bytes(session, person.account, now=NOW) == 2 * size
        later = max(claim.deadline for claim in held) + submissions.KEEP_UNNAMED
        assert submissions.unused_bytes(session, person.account, now=later) == 0
