"""What a key may buy, and where; the switches that stop it; who may lift them. Racing, on Postgres."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bounties import service as bounties
from bounties.rules import Kind as BountyKind
from bounties.rules import StreamTerms
from core import errors, geo
from core.accounts import rules, service, spending
from core.accounts.rules import Limits, Scope, Span
from core.accounts.tables import Account, ApiKey
from core.db import Database
from core.geo import Area, Spot
from core.money import Money
from core.states import History
from tests.bounties import scene
from tests.core.test_accounts import NOW, limited, post

STREAM = StreamTerms("Cel", 0, 1, 1, 0)


def keys(session: Session, *limits: Limits) -> list[ApiKey]:
    """An account's first key, then one for each of `limits`."""
    first = scene.new_agent(session, "100")
    account = session.get_one(Account, first.account)
    return [first, *(service.issue_key(session, account, now=NOW, limits=each).key for each in limits)]


def refused_while(database: Database, hold: Callable[[Session], None], work: Callable[[], None]) -> object:
    """What `work` meets when it begins while `hold` is done but not committed: its error, or None."""
    met: list[object] = []

    def run() -> None:
        try:
            work()
            met.append(None)
        except errors.SpotcheckError as error:
            met.append(error)

    thread = threading.Thread(target=run)
    with database.transaction() as session:
        hold(session)
        session.flush()
        thread.start()
        thread.join(0.7)  # until it waits for us, or is through
    thread.join(30)
    return met[0]


# What, and where


def test_a_key_for_photos_posts_no_streams(database: Database) -> None:
    key = limited(database, Limits(kinds=("photo",)))
    post(database, key)
    wanted = scene.ask(kind=BountyKind.STREAM, stream=STREAM)
    with pytest.raises(errors.SpendLimitReached) as refused, database.transaction() as session:
        scene.post(session, session.get_one(ApiKey, key), wanted)
    assert refused.value.facts == {"limit": "kinds", "allowed": ["photo"]}


@pytest.mark.parametrize("resolution", range(geo.FINEST_FENCE + 1))
def test_a_fence_holds_the_centre_of_the_area_at_any_resolution(database: Database, resolution: int) -> None:
    inside, outside = Spot(35.7, 51.4), Spot(-33.9, 18.4)
    fence = (geo.cell(Spot(60.2, 24.9), 3), geo.cell(inside, resolution))
    key = limited(database, Limits(cells=fence))
    post(database, key)
    wanted = scene.ask(area=Area.disc(outside.lat, outside.lon, 100))
    with pytest.raises(errors.SpendLimitReached) as refused, database.transaction() as session:
        scene.post(session, session.get_one(ApiKey, key), wanted)
    assert refused.value.facts == {"limit": "cells", "allowed": sorted(fence)}


def test_a_fence_ends_at_its_edge(database: Database) -> None:
    """The neighbour's centre is some 300 m away at resolution 9: near is not inside."""
    here = Spot(35.7, 51.4)
    other = next(Spot(35.7 + step / 1000, 51.4) for step in range(1, 9)
                 if geo.cell(Spot(35.7 + step / 1000, 51.4), 9) != geo.cell(here, 9))  # fmt: skip
    assert geo.distance_m(here, other) < 1000
    assert not geo.inside_fence(other, {geo.cell(here, 9)})
    assert geo.inside_fence(other, {geo.cell(here, 9), geo.cell(other, 9)})


@pytest.mark.parametrize("text", ["", "x", "872a1072bfffff", "872A1072BFFFFFF", "8a2a1072b59ffff", "0" * 15,
                                  "f" * 15, "872a1072bffffff\n", "172a1072bffffff"])  # fmt: skip
def test_what_is_no_cell_of_resolution_0_to_9_is_no_fence(text: str) -> None:
    with pytest.raises(ValueError):
        geo.fence_cell(text)
    assert geo.fence_cell("872a1072bffffff") == "872a1072bffffff"


# When


def test_the_limit_of_an_hour_begins_anew_with_the_hour(database: Database) -> None:
    key = limited(database, Limits(per_hour=Money.parse("2.20"), per_day=Money.parse("3.30")))
    late = datetime(2026, 11, 23, 12, 59, 59, 999999, tzinfo=UTC)
    post(database, key, now=late)
    post(database, key, now=late)
    with pytest.raises(errors.SpendLimitReached) as refused:
        post(database, key, now=late)
    assert refused.value.facts == {"limit": "per_hour", "allowed": "2.20"}
    post(database, key, now=late + timedelta(microseconds=1))
    with pytest.raises(errors.SpendLimitReached, match="per_day"):
        post(database, key, now=late + timedelta(hours=1))


def test_windows_are_utcs_whatever_the_zone_of_now() -> None:
    tehran = datetime(2026, 11, 24, 1, 15, tzinfo=timezone(timedelta(hours=3.5)))
    assert rules.window_of(Span.HOUR, tehran) == "2026-11-23T21"
    assert rules.window_of(Span.DAY, tehran) == "2026-11-23"


def test_what_is_spent_is_counted_without_a_limit_too(database: Database) -> None:
    key = limited(database, Limits())
    post(database, key)
    post(database, key, now=NOW + timedelta(hours=1))
    with database.reading() as session:
        row = session.get_one(ApiKey, key)
        seen = [spending.spent(session, row, now=NOW + timedelta(hours=hours)) for hours in (0, 1, 2, 24)]
    dollars = [(str(each[Span.HOUR]), str(each[Span.DAY])) for each in seen]
    assert dollars == [("1.10", "2.20"), ("1.10", "2.20"), ("0.00", "2.20"), ("0.00", "0.00")]


# Stopped


def test_a_stopped_key_posts_nothing_until_it_is_started(database: Database) -> None:
    with database.transaction() as session:
        owner, small = keys(session, Limits(total=Money.parse("50")))
        bounty = scene.post(session, small)
        spending.stop_key(session, small, small.id, now=NOW)
        spending.stop_key(session, owner, small.id, now=NOW + timedelta(hours=1))
        assert small.stopped_at == NOW
        with pytest.raises(errors.SpendingStopped) as refused:
            scene.post(session, small)
        assert refused.value.facts == {"stopped": "key"}
        scene.post(session, owner)
        bounties.cancel_bounty(session, small.account, bounty.id, now=NOW)
        spending.start_key(session, owner, small.id, now=NOW)
        scene.post(session, small)
        noted = session.scalars(select(History.after).where(History.kind == "api_keys"))
        assert list(noted) == ["stopped", "started"]


def test_a_stop_that_comes_first_holds_a_post_that_has_begun(postgres: Database) -> None:
    """The post was let in before the stop, and waits for it at the key's row."""
    with postgres.transaction() as session:
        owner, small = keys(session, Limits(total=Money.parse("50")))

    def stop(session: Session) -> None:
        session.get_one(ApiKey, small.id).stopped_at = NOW

    met = refused_while(postgres, stop, lambda: post(postgres, small.id))
    assert isinstance(met, errors.SpendingStopped)
    post(postgres, owner.id)


def test_an_account_stopped_stops_every_key_and_a_post_that_has_begun(postgres: Database) -> None:
    with postgres.transaction() as session:
        owner, small = keys(session, Limits(total=Money.parse("50")))

    def stop(session: Session) -> None:
        spending.stop_all(session, session.get_one(ApiKey, small.id), now=NOW)

    met = refused_while(postgres, stop, lambda: post(postgres, owner.id))
    assert isinstance(met, errors.SpendingStopped)
    assert met.facts == {"stopped": "account"}
    with postgres.transaction() as session:
        for key in (owner, small):
            with pytest.raises(errors.SpendingStopped):
                scene.post(session, session.get_one(ApiKey, key.id))
        with pytest.raises(errors.Forbidden):
            spending.start_all(session, session.get_one(ApiKey, small.id), now=NOW)
        spending.start_all(session, session.get_one(ApiKey, owner.id), now=NOW)
        scene.post(session, session.get_one(ApiKey, small.id))


def test_a_stop_gets_through_between_posts_without_a_pause(postgres: Database) -> None:
    """Twenty keys post as fast as they can: there is always a post under way, and the stop comes between."""
    with postgres.transaction() as session:
        owner, *others = keys(session, *[Limits()] * 19)
    over = threading.Event()

    def hammer(key: str) -> None:
        with suppress(errors.SpendingStopped, errors.InsufficientFunds):
            while not over.is_set():
                post(postgres, key, reward="0.000001")

    def stop() -> float:
        began = time.monotonic()
        with postgres.transaction() as session:
            spending.stop_all(session, session.get_one(ApiKey, owner.id), now=NOW)
        return time.monotonic() - began

    with ThreadPoolExecutor(21) as pool:
        posting = [pool.submit(hammer, key.id) for key in (owner, *others)]
        time.sleep(0.5)
        took = pool.submit(stop)
        wait([took], timeout=10)
        in_time = took.done()
        over.set()
        for each in posting:
            each.result()
    assert in_time, f"the stop waited {took.result():.1f} s, until the posts had ended"


def test_a_stopped_key_lifts_no_stop_and_makes_no_way_round_it(database: Database) -> None:
    with database.transaction() as session:
        owner, twin = keys(session, Limits())
        spending.stop_key(session, owner, twin.id, now=NOW)
        spending.stop_all(session, owner, now=NOW)
        for lift in (
            lambda: spending.start_key(session, twin, twin.id, now=NOW),
            lambda: spending.start_all(session, twin, now=NOW),
            lambda: spending.stop_key(session, twin, owner.id, now=NOW),
            lambda: service.revoke_key(session, twin, owner.id, now=NOW),
            lambda: spending.require_going(session, twin),
        ):
            with pytest.raises(errors.SpendingStopped):
                lift()
        spending.require_going(session, owner)
        spending.start_key(session, owner, twin.id, now=NOW)
        assert twin.stopped_at is None


def test_a_key_with_limits_starts_none_and_stops_only_itself(database: Database) -> None:
    with database.transaction() as session:
        owner, small, other = keys(session, Limits(approve_over=Money(0)), Limits(kinds=("photo",)))
        spending.stop_key(session, small, small.id, now=NOW)
        spending.stop_key(session, owner, other.id, now=NOW)
        for key in (small, other):
            with pytest.raises(errors.Forbidden):
                spending.start_key(session, small, key.id, now=NOW)
        spending.start_key(session, owner, small.id, now=NOW)
        with pytest.raises(errors.Forbidden):
            spending.start_key(session, small, other.id, now=NOW)
        with pytest.raises(errors.Forbidden):
            spending.stop_key(session, small, owner.id, now=NOW)


def test_a_key_of_fewer_scopes_or_another_account_rules_none(database: Database) -> None:
    with database.transaction() as session:
        (owner,) = keys(session)
        account = session.get_one(Account, owner.account)
        poster = service.issue_key(session, account, now=NOW, scopes=[Scope.POST]).key
        for act in (spending.stop_key, spending.start_key):
            with pytest.raises(errors.Forbidden):
                act(session, poster, owner.id, now=NOW)
            for missing in (scene.new_agent(session).id, "key_" + "0" * 26):
                with pytest.raises(errors.NotFound):
                    act(session, owner, missing, now=NOW)


def test_a_key_that_no_other_could_start_again_is_not_stopped(database: Database) -> None:
    with database.transaction() as session:
        owner, _ = keys(session, Limits(total=Money(1)))
        account = session.get_one(Account, owner.account)
        service.issue_key(session, account, now=NOW, scopes=[Scope.POST])
        with pytest.raises(errors.StateConflict):
            spending.stop_key(session, owner, owner.id, now=NOW)
        twin = service.issue_key(session, account, now=NOW).key
        spending.stop_key(session, owner, owner.id, now=NOW)
        with pytest.raises(errors.StateConflict):
            spending.stop_key(session, twin, twin.id, now=NOW)


def test_two_twins_that_stop_themselves_at_once_do_not_both_stop(postgres: Database) -> None:
    with postgres.transaction() as session:
        owner, twin = keys(session, Limits())

    def stop(session: Session) -> None:
        spending.stop_key(session, session.get_one(ApiKey, twin.id), twin.id, now=NOW)

    def stop_owner() -> None:
        with postgres.transaction() as session:
            spending.stop_key(session, session.get_one(ApiKey, owner.id), owner.id, now=NOW)

    assert isinstance(refused_while(postgres, stop, stop_owner), errors.StateConflict)


def test_a_key_cannot_start_itself_in_the_moment_it_is_stopped(postgres: Database) -> None:
    with postgres.transaction() as session:
        owner, twin = keys(session, Limits())

    def stop(session: Session) -> None:
        spending.stop_key(session, session.get_one(ApiKey, owner.id), twin.id, now=NOW)

    def start() -> None:
        with postgres.transaction() as session:
            spending.start_key(session, session.get_one(ApiKey, twin.id), twin.id, now=NOW)

    assert isinstance(refused_while(postgres, stop, start), errors.SpendingStopped)
    with postgres.reading() as session:
        assert session.get_one(ApiKey, twin.id).stopped_at == NOW


@pytest.mark.parametrize("what", ["another key", "all"])
def test_a_key_starts_nothing_in_the_moment_it_is_stopped(postgres: Database, what: str) -> None:
    with postgres.transaction() as session:
        owner, twin, small = keys(session, Limits(), Limits(total=Money.parse("50")))
        spending.stop_key(session, owner, small.id, now=NOW)
        spending.stop_all(session, owner, now=NOW)

    def stop(session: Session) -> None:
        spending.stop_key(session, session.get_one(ApiKey, owner.id), twin.id, now=NOW)

    def start() -> None:
        with postgres.transaction() as session:
            by = session.get_one(ApiKey, twin.id)
            if what == "all":
                spending.start_all(session, by, now=NOW)
            else:
                spending.start_key(session, by, small.id, now=NOW)

    assert isinstance(refused_while(postgres, stop, start), errors.SpendingStopped)


def test_a_key_makes_no_other_in_the_moment_it_is_stopped(postgres: Database) -> None:
    with postgres.transaction() as session:
        owner, twin = keys(session, Limits())

    def stop(session: Session) -> None:
        spending.stop_key(session, session.get_one(ApiKey, owner.id), twin.id, now=NOW)

    def make() -> None:
        with postgres.transaction() as session:
            spending.require_going(session, session.get_one(ApiKey, twin.id))

    assert isinstance(refused_while(postgres, stop, make), errors.SpendingStopped)


def test_a_revoked_key_makes_no_other_and_ends_none(postgres: Database) -> None:
    """It was let in, and is revoked before it acts."""
    with postgres.transaction() as session:
        owner, twin, other = keys(session, Limits(), Limits())

    def revoke(session: Session) -> None:
        service.revoke_key(session, session.get_one(ApiKey, owner.id), twin.id, now=NOW)

    def make() -> None:
        with postgres.transaction() as session:
            spending.require_going(session, session.get_one(ApiKey, twin.id))

    def end() -> None:
        with postgres.transaction() as session:
            service.revoke_key(session, session.get_one(ApiKey, other.id), owner.id, now=NOW)

    def revoke_other(session: Session) -> None:
        service.revoke_key(session, session.get_one(ApiKey, owner.id), other.id, now=NOW)

    assert isinstance(refused_while(postgres, revoke, make), errors.Unauthenticated)
    assert isinstance(refused_while(postgres, revoke_other, end), errors.Unauthenticated)


def test_a_key_revoked_in_the_moment_it_posts_is_revoked(postgres: Database) -> None:
    with postgres.transaction() as session:
        owner, twin = keys(session, Limits())

    def revoke(session: Session) -> None:
        service.revoke_key(session, session.get_one(ApiKey, owner.id), twin.id, now=NOW)

    met = refused_while(postgres, revoke, lambda: post(postgres, twin.id))
    assert isinstance(met, errors.Unauthenticated)
