"""What a receipt proves, and that each lie about it is caught by its own step."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent_sdk import (
    CheckpointInvalid,
    InclusionInvalid,
    LogKeyMissing,
    MediaMismatch,
    NotYetLogged,
    ObservationMismatch,
    PaymentMismatch,
    ReceiptError,
    ReceiptMalformed,
    SplitView,
    TermsMismatch,
)
from agent_sdk._canonical import canonical, fingerprint
from agent_sdk._note import NoteInvalid, open_checkpoint
from agent_sdk.receipts import FileMemory, LogKey, RamMemory, Verifier
from agent_sdk.types import Bounty, Observation, ReceiptBundle
from tests.agent_sdk.market import PICTURE, Market, b64, receipt_of
from tests.agent_sdk.trees import Log


class Sold:
    """One observation sold, its bundle fetched, in a log with neighbours."""

    def __init__(self, alter: Callable[[dict[str, Any]], object] = lambda receipt: None) -> None:
        self.market = Market()
        self.market.log.leaves += [b"before %d" % i for i in range(5)]
        client = self.market.client()
        self.bounty: Bounty = client.bounties.post("open?", lat=1.0, lon=2.0, reward="2.00")
        row = self.market.bounties[self.bounty.id]
        seen = self.market.observe(row, {})
        receipt = receipt_of(seen, row)
        alter(receipt)
        self.relog(seen["id"], canonical(receipt).decode())
        self.market.log.leaves += [b"after"]
        self.observation = client.observations.get(seen["id"])
        self.bundle = client.receipts.get(seen["id"])
        self.key = LogKey.parse(self.market.log.vkey)

    def relog(self, observation_id: str, text: str) -> None:
        """The log's operator puts another text in the leaf's place before it is published."""
        import hashlib

        self.market.receipts[observation_id] = text
        leaf = b"spotcheck-receipt-v1\n" + hashlib.sha256(text.encode()).digest()
        self.market.log.leaves[self.market.leaf_of[observation_id]] = leaf

    def verify(self, **changes: Any) -> None:
        given: dict[str, Any] = {
            "observation": self.observation,
            "bounty": self.bounty,
            "media": [PICTURE],
        }
        bundle = changes.pop("bundle", self.bundle)
        Verifier(self.key, RamMemory()).verify(bundle, **{**given, **changes})


def test_an_honest_receipt_passes_every_step_that_applies() -> None:
    sold = Sold()
    report = Verifier(sold.key, RamMemory()).examine(
        sold.bundle, observation=sold.observation, bounty=sold.bounty, media=[PICTURE]
    )
    assert [(step.name, step.status) for step in report.steps] == [
        ("text", "ok"),
        ("checkpoint", "ok"),
        ("inclusion", "ok"),
        ("consistency", "skipped"),
        ("terms", "ok"),
        ("observation", "ok"),
        ("media", "ok"),
        ("payment", "ok"),
    ]
    assert report.ok
    assert report.receipt is not None
    assert report.receipt.payment.transfer_key == "capture:cap_1:release"
    bare = Verifier(sold.key, RamMemory()).examine(sold.bundle)
    assert [s.name for s in bare.steps if s.status == "skipped"] == [
        "consistency",
        "observation",
        "media",
        "payment",
    ]


def test_any_changed_byte_of_the_text_leaves_the_log() -> None:
    sold = Sold()
    text = sold.bundle.receipt
    for at in range(0, len(text), 17):
        changed = text[:at] + ("x" if text[at] != "x" else "y") + text[at + 1 :]
        with pytest.raises((InclusionInvalid, ReceiptMalformed)):
            sold.verify(bundle=sold.bundle.model_copy(update={"receipt": changed}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("answer", False),
        ("answer", 1),
        ("p_genuine", 0.99),
        ("p_answer", None),
        ("frauds", {"staged": 0.01, "misplaced": 0.02}),
        ("judged_by", "reviewer"),
        ("bounty", "bty_9"),
        ("capture", "cap_9"),
        ("kind", "video"),
        ("observed_from", "2026-11-23T12:00:00.000001Z"),
        ("observed_to", "2026-11-23T12:00:41Z"),
        ("findings", []),
        ("media", [{"sha256": "11" * 32}]),
        ("media", []),
        ("media", [{"sha256": "ef" * 32}]),
        ("id", "obs_9"),
    ],
)
def test_an_observation_that_says_otherwise_is_named_by_field(field: str, value: object) -> None:
    sold = Sold()
    told = Observation.model_validate({**sold.observation.model_dump(mode="json"), field: value})
    with pytest.raises(ObservationMismatch) as caught:
        sold.verify(observation=told)
    assert caught.value.facts["field"] == field


def test_observations_can_be_kept_in_a_set() -> None:
    seen = Sold().observation
    assert len({seen, seen.model_copy()}) == 1


def test_other_bytes_are_not_the_media() -> None:
    with pytest.raises(MediaMismatch):
        Sold().verify(media=[PICTURE, PICTURE + b" "])


def test_a_payment_told_otherwise_is_refused() -> None:
    sold = Sold()
    told = Observation.model_validate({**sold.observation.model_dump(mode="json"), "reward": "3.00"})
    with pytest.raises(PaymentMismatch):
        sold.verify(observation=told)


@pytest.mark.parametrize(("field", "value"), [("transfer_key", ""), ("reward", "3.00"), ("fee", "0.19")])
def test_a_logged_payment_that_is_not_what_was_posted_is_named_by_field(field: str, value: str) -> None:
    sold = Sold(lambda receipt: receipt["payment"].update({field: value}))
    with pytest.raises(PaymentMismatch) as named:
        sold.verify()
    assert named.value.facts["field"] == field
    Sold(lambda receipt: receipt["payment"].update(fee="0.200000")).verify()  # the same amount


@pytest.mark.parametrize("agreed", ["3.00", "sNaN", None, 2.0, ["2.00"]])
def test_a_payment_that_is_not_what_the_terms_agree_on_is_refused(agreed: object) -> None:
    """Without the bounty: the terms' own hash fits, and the observation tells the same price as the log."""

    def other_price(receipt: dict[str, Any]) -> None:
        receipt["terms"]["reward"] = agreed
        receipt["terms_sha256"] = fingerprint(receipt["terms"])

    with pytest.raises(PaymentMismatch) as named:
        Sold(other_price).verify(bounty=None)
    assert named.value.facts["field"] == "terms.reward"


def test_terms_that_do_not_fit_their_hash_or_the_bounty_are_refused() -> None:
    def other_ask(receipt: dict[str, Any]) -> None:
        receipt["terms"]["ask"] = "closed?"

    with pytest.raises(TermsMismatch) as caught:
        Sold(other_ask).verify()
    assert caught.value.facts["field"] == "terms_sha256"
    sold = Sold()
    moved = {"type": "Point", "coordinates": [0.0, 0.0]}
    others: dict[str, object] = {
        "ask": "closed?", "licence": "CC0-1.0", "answer_schema": {"type": "integer"}, "slots": 9, "tier": 1,
        "area": {**sold.bounty.area, "geometry": moved}, "max_freshness_s": 1.0,
        "opens_at": datetime(2026, 1, 1, tzinfo=UTC), "closes_at": datetime(2027, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    for field, value in others.items():
        with pytest.raises(TermsMismatch) as named:
            sold.verify(bounty=sold.bounty.model_copy(update={field: value}))
        assert named.value.facts["field"] == field
    with pytest.raises(TermsMismatch):
        sold.verify(bounty=sold.bounty.model_copy(update={"id": "bty_9"}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"v":1}',
        '{"v":1,"v":1}',
        '{"p_genuine":NaN}',
        "[" * 100_000,
        '{"v":"\\ud800"}',
    ],
)
def test_texts_that_are_no_receipt_are_malformed_never_a_raw_error(text: str) -> None:
    sold = Sold()
    with pytest.raises(ReceiptMalformed):
        sold.verify(bundle=sold.bundle.model_copy(update={"receipt": text}))


def test_a_receipt_of_another_version_or_with_a_key_twice_is_malformed_even_when_logged() -> None:
    with pytest.raises(ReceiptMalformed):
        Sold(lambda receipt: receipt.update(v=2)).verify()
    sold = Sold()
    twice = sold.bundle.receipt[:-1] + ',"answer":false}'
    with pytest.raises(ReceiptMalformed, match="twice"):
        sold.verify(bundle=sold.bundle.model_copy(update={"receipt": twice}))


def test_proofs_of_other_places_are_refused() -> None:
    sold = Sold()
    assert sold.bundle.inclusion is not None
    for change in (
        {"leaf_index": 4},
        {"leaf_index": 6},
        {"leaf_index": -1},
        {"leaf_index": 700},
        {"inclusion": sold.bundle.inclusion[:-1]},
        {"inclusion": (*sold.bundle.inclusion, b64(b"x" * 32))},
        {"inclusion": ("not base64!",)},
        {"inclusion": ()},
    ):
        with pytest.raises(InclusionInvalid):
            sold.verify(bundle=sold.bundle.model_copy(update=change))


def test_only_the_pinned_key_signs_checkpoints() -> None:
    sold = Sold()
    forger = Log(seed=b"f" * 32)
    forger.leaves = sold.market.log.leaves
    for note in (forger.checkpoint(), "", "garbage\n\n\N{EM DASH} x y\n", sold.market.log.checkpoint()[:-9]):
        with pytest.raises(CheckpointInvalid):
            sold.verify(bundle=sold.bundle.model_copy(update={"checkpoint": note}))


def test_a_receipt_not_sequenced_yet_says_so() -> None:
    sold = Sold()
    for change in ({"checkpoint": None}, {"inclusion": None}, {"leaf_index": None}):
        with pytest.raises(NotYetLogged):
            sold.verify(bundle=sold.bundle.model_copy(update=change))


def test_examine_reports_every_failure_not_only_the_first() -> None:
    sold = Sold()
    told = Observation.model_validate(
        {**sold.observation.model_dump(mode="json"), "answer": False, "reward": "3.00"}
    )
    report = Verifier(sold.key, RamMemory()).examine(sold.bundle, observation=told, media=[b"?"])
    assert [type(error) for error in report.failures] == [ObservationMismatch, MediaMismatch, PaymentMismatch]


def test_a_log_that_grew_must_show_it_kept_its_past(tmp_path: Path) -> None:
    sold = Sold()
    memory = FileMemory(tmp_path)
    Verifier(sold.key, memory).verify(sold.bundle)
    sold.market.log.leaves += [b"more", b"and more"]
    grown = sold.market.client().receipts.get(sold.observation.id)
    again = Verifier(sold.key, FileMemory(tmp_path))  # another process
    assert again.gap(grown, again.last()) == (7, 9)
    with pytest.raises(SplitView):
        again.verify(grown)  # no proof
    with pytest.raises(SplitView):
        again.verify(grown, consistency=sold.market.log.consistency(6, 9))
    assert (memory.last(sold.key) or sold).size == 7  # type: ignore[union-attr]
    again.verify(grown, consistency=sold.market.log.consistency(7, 9))
    assert (memory.last(sold.key) or sold).size == 9  # type: ignore[union-attr]
    again.verify(sold.bundle, consistency=sold.market.log.consistency(7, 9))  # an older receipt still holds
    assert (memory.last(sold.key) or sold).size == 9  # type: ignore[union-attr]


def test_the_client_refuses_a_log_that_shows_this_buyer_another_history(tmp_path: Path) -> None:
    sold = Sold()
    client = sold.market.client(log_key=sold.market.log.vkey, state_dir=tmp_path)
    assert client.receipts.verify(sold.observation, bounty=sold.bounty, media=[PICTURE]).ok
    sold.market.log.leaves += [b"more"]
    assert client.receipts.verify(sold.observation.id).ok
    sold.market.log.leaves[0] = b"the past, rewritten"
    with pytest.raises(SplitView) as same_size:
        client.receipts.verify(sold.observation)
    assert same_size.value.facts["seen"] != same_size.value.facts["shown"]
    sold.market.log.leaves += [b"later"]
    with pytest.raises(SplitView) as grown:
        client.receipts.verify(sold.observation)
    shown = grown.value.facts["shown"]
    assert isinstance(shown, str)
    assert "\n9\n" in shown


def _meanwhile(market: Market, done: Callable[[], object]) -> None:
    """Has `done` happen once, while the next consistency proof is on its way."""
    honest, happens = market.log.consistency, [done]

    def consistency(old: int, new: int) -> list[str]:
        proof = honest(old, new)
        if happens:
            happens.pop()()
        return proof

    market.log.consistency = consistency  # type: ignore[method-assign]


def test_verifications_at_the_same_time_do_not_accuse_an_honest_log(tmp_path: Path) -> None:
    sold = Sold()
    one, other = (sold.market.client(log_key=sold.market.log.vkey, state_dir=tmp_path) for _ in range(2))
    assert one.receipts.verify(sold.observation).ok
    sold.market.log.leaves += [b"more"]

    def another() -> None:
        sold.market.log.leaves += [b"and more"]
        assert other.receipts.verify(sold.observation).ok

    _meanwhile(sold.market, another)
    assert one.receipts.verify(sold.observation).ok
    kept = FileMemory(tmp_path).last(sold.key)
    assert kept is not None
    assert kept.size == 9


def test_two_histories_shown_at_the_same_time_are_found(tmp_path: Path) -> None:
    sold, memory = Sold(), FileMemory(tmp_path)
    client = sold.market.client(log_key=sold.market.log.vkey, state_dir=tmp_path)
    assert client.receipts.verify(sold.observation).ok
    seen = memory.last(sold.key)
    fork = Log()
    fork.leaves = [*sold.market.log.leaves, b"what another process is shown"]
    sold.market.log.leaves += [b"more"]
    shown = open_checkpoint(fork.checkpoint(), sold.key)
    _meanwhile(sold.market, lambda: memory.keep(sold.key, shown, seen))
    with pytest.raises(SplitView):
        client.receipts.verify(sold.observation)


def test_a_key_is_never_trusted_silently(tmp_path: Path) -> None:
    sold = Sold()
    with pytest.raises(LogKeyMissing):
        sold.market.client(state_dir=tmp_path).receipts.verify(sold.observation)
    assert not sold.market.sent("GET", "/log/key")
    first = sold.market.client(state_dir=tmp_path, pin_on_first_use=True)
    assert first.receipts.verify(sold.observation).ok
    changed = Log(seed=b"n" * 32)
    changed.leaves = sold.market.log.leaves
    sold.market.log = changed
    second = sold.market.client(state_dir=tmp_path, pin_on_first_use=True)
    with pytest.raises(CheckpointInvalid):
        second.receipts.verify(sold.observation)


def test_the_clients_get_waits_for_the_log() -> None:
    sold = Sold()
    market = sold.market
    answers = [ReceiptBundle(receipt="{}"), ReceiptBundle(receipt="{}")]
    whole = market._receipt
    market._receipt = (  # type: ignore[method-assign]
        lambda observation_id: answers.pop().model_dump() if answers else whole(observation_id)
    )
    assert market.client().receipts.get(sold.observation.id).leaf_index == 5
    assert market.clock.slept == [0.5, 0.5]


def test_a_state_file_that_was_altered_is_refused(tmp_path: Path) -> None:
    sold = Sold()
    Verifier(sold.key, FileMemory(tmp_path)).verify(sold.bundle)
    (state,) = tmp_path.glob("log-*.note")
    state.write_text(state.read_text().replace("\n7\n", "\n6\n"))
    with pytest.raises(NoteInvalid):
        Verifier(sold.key, FileMemory(tmp_path)).examine(sold.bundle)


def test_every_receipt_error_has_a_way_out() -> None:
    for kind in ReceiptError.__subclasses__():
        assert kind("x").hint
    assert json.loads(canonical({"b": 1, "a": "é"})) == {"a": "é", "b": 1}
    assert canonical({"b": 1, "a": "é"}) == '{"a":"é","b":1}'.encode()
