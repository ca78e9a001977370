"""A simulated lab instrument: an Ed25519 key with a place, posting signed readings for a stream claim.

    instrument = Instrument("http://127.0.0.1:8000", secret=lab_key, spot=Spot(52.5, 13.4), seed=1)
    instrument.enrol()
    claim = instrument.claim(bounty)
    capture = instrument.deliver(claim, instrument.measure(claim))

The knobs of a faulty or dishonest one: `drop` and `spike` bend the readings, `post_part(signer=...)`
signs a part with another key.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx2
import numpy as np

from core.accounts.rules import b64u, part_message
from core.clock import now, wire
from core.geo import Spot
from market.simulator.contributor import Capture, Claim, Clock, Contributor, DeviceKey, Sleep


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading: its number in the window from 0, the instrument's time, the value in the terms' unit."""

    seq: int
    at: datetime
    value: float


def series(
    count: int,
    start: datetime,
    interval_s: float,
    *,
    seed: int,
    middle: float = 20.0,
    swing: float = 0.5,
    noise: float = 0.05,
) -> list[Reading]:
    """Readings as an honest sensor makes them: a slow wave, drift, white noise, two decimals.

    Args:
        swing: amplitude of the wave, one period in 200 readings; noise: standard deviation a reading.
    """
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 2 * math.pi)
    drift = np.cumsum(rng.normal(0, noise / 10, count))
    wave = swing * np.sin(phase + np.arange(count) * 2 * math.pi / 200)
    values = middle + wave + drift + rng.normal(0, noise, count)
    return [
        Reading(n, start + timedelta(seconds=n * interval_s), round(float(value), 3))
        for n, value in enumerate(values)
    ]


def drop(readings: Sequence[Reading], first: int, count: int) -> list[Reading]:
    """The readings with a gap: `count` of them from `first` on never arrived."""
    return [reading for reading in readings if not first <= reading.seq < first + count]


def spike(readings: Sequence[Reading], at: int, value: float) -> list[Reading]:
    """The readings with one value replaced, such as one no such instrument can give."""
    return [replace(reading, value=value) if reading.seq == at else reading for reading in readings]


class Instrument(Contributor):
    """A lab's instrument; `secret` is the lab's API key, `spot` where it is registered to stand."""

    def __init__(
        self,
        server: httpx2.Client | str,
        *,
        secret: str,
        spot: Spot,
        seed: int,
        clock: Clock = now,
        sleep: Sleep = time.sleep,
    ) -> None:
        super().__init__(server, DeviceKey("Ed25519"), secret=secret, clock=clock, sleep=sleep)
        self.spot, self.seed = spot, seed

    def enrol(self, **about: Any) -> str:
        """Adds the instrument to the lab's account; returns the device's id."""
        place = {"lat": self.spot.lat, "lon": self.spot.lon}
        return super().enrol(**{"kind": "instrument", "name": "simulated probe", **place, **about})

    def measure(self, claim: Claim, count: int | None = None) -> list[Reading]:
        """A window of honest readings within the claim's terms, from the claim's beginning on."""
        terms = claim.stream or {}
        low, high = float(terms.get("minimum", 0.0)), float(terms.get("maximum", 40.0))
        wanted = count or int(terms.get("readings_per_window", 60))
        interval_s = max(float(terms.get("min_interval_s", 0.0)), 0.01)
        reach = (high - low) / 2
        return series(
            wanted,
            claim.issued_at,
            interval_s,
            seed=self.seed,
            middle=(low + high) / 2,
            swing=0.1 * reach,
            noise=0.01 * reach,
        )

    def payloads(self, claim: Claim, readings: Sequence[Reading], per_part: int = 50) -> list[str]:
        """The exact texts to sign, at most `per_part` readings each."""
        texts = []
        for part, begin in enumerate(range(0, len(readings), per_part)):
            rows = [[r.seq, wire(r.at), r.value] for r in readings[begin : begin + per_part]]
            said = {"v": 1, "claim": claim.id, "nonce": claim.nonce, "part": part, "readings": rows}
            texts.append(json.dumps(said, separators=(",", ":")))
        return texts

    def post_part(self, claim: Claim, part: int, payload: str, *, signer: DeviceKey | None = None) -> int:
        """Sends one signed part; returns the number the next one has. `signer` signs in its stead."""
        signature = (signer or self.key).sign(part_message(payload))
        body = {"part": part, "payload": payload, "signature": b64u(signature)}
        return int(self.post(f"/v1/claims/{claim.id}/parts", body)["next_part"])

    def finalise(self, claim: Claim, payloads: Sequence[str], answer: object = None) -> Capture:
        """Signs for the whole window, commits, submits and waits for the verdict."""
        statement = {
            "v": 1,
            "kind": "stream",
            "claim": claim.id,
            "device": self.device,
            "nonce": claim.nonce,
            "sha256": hashlib.sha256("\n".join(payloads).encode()).hexdigest(),
            "parts": len(payloads),
            "taken_at": wire(self.clock()),
        }
        signed = self.sign(json.dumps(statement, separators=(",", ":")))
        self.commit(claim, signed)
        return self.wait(self.submit(claim, signed, answer))

    def deliver(
        self, claim: Claim, readings: Sequence[Reading], answer: object = None, *, per_part: int = 50
    ) -> Capture:
        """The walk after the claim: waits for the last reading's time, posts every part, finalises."""
        late = (readings[-1].at - self.clock()).total_seconds() if readings else 0.0
        if late > 0:
            self.sleep(late)
        payloads = self.payloads(claim, readings, per_part)
        for part, payload in enumerate(payloads):
            self.post_part(claim, part, payload)
        return self.finalise(claim, payloads, answer)
