"""How long a verdict takes on one machine: hand-off to the worker, and submission to verdict.

    python -m bench.verdict [--quick] [--json PATH]

The whole market runs as one command (`python -m market serve`, SQLite, a folder as broker, one worker).
Streams, whose examination costs next to nothing, show the hand-off; photographs the whole. Hand-off is
from the submission's server time to the worker's lease, from the history rows.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from skimage import data

from core import figures
from core.geo import Spot
from tests.servers import House
from tests.walks.asks import phone_at, photo_bounty, probe_at, stream_bounty

PLACE = Spot(35.6892, 51.3890)
HAND_OFF = """
SELECT began.at, leased.at, judged.at FROM history AS began
JOIN history AS leased ON leased.subject = began.subject AND leased.after = 'examining'
JOIN history AS judged ON judged.subject = began.subject
    AND judged.after IN ('accepted', 'rejected', 'review')
JOIN captures ON captures.id = began.subject
JOIN bounties ON bounties.id = captures.bounty AND bounties.kind = ?
WHERE began.kind = 'captures' AND began.before IS NULL
"""


def streams(house: House, agent: str, lab: str, count: int) -> None:
    """Judged windows of an instrument."""
    bounty = house.post("/v1/bounties", stream_bounty(PLACE, slots=count), key=agent).json()["id"]
    with probe_at(house.url, PLACE, 1, lab) as probe:
        for _ in range(count):
            claim = probe.claim(bounty)
            probe.deliver(claim, probe.measure(claim))


def photos(house: House, agent: str, count: int, source: np.random.Generator) -> None:
    """Judged photographs, each of a scene of its own."""
    bounty = house.post("/v1/bounties", photo_bounty(PLACE, slots=count), key=agent).json()["id"]
    for number in range(count):
        noise = source.integers(0, 256, (20, 30, 3), dtype=np.uint8)
        scene = np.kron(noise, np.ones((20, 20, 1), dtype=np.uint8)) // 2 + data.coffee()[:400, :600] // 2
        with phone_at(house.url, PLACE, number) as phone:
            phone.earn(bounty, scene.astype(np.uint8), 3)


def waits(house: House, kind: str) -> list[tuple[float, float]]:
    """Milliseconds from submission to lease, and to verdict, of each capture of a kind."""
    with sqlite3.connect(house.folder / "spotcheck.db") as connection:
        rows = connection.execute(HAND_OFF, (kind,)).fetchall()
    connection.close()
    moments = [[datetime.fromisoformat(text).replace(tzinfo=UTC) for text in row] for row in rows]
    return [
        ((leased - began).total_seconds() * 1000, (judged - began).total_seconds() * 1000)
        for began, leased, judged in moments
    ]


def main(given: Sequence[str] | None = None) -> int:
    """Runs the benchmark. The bar is ARCHITECTURE's: hand-off within 200 ms on one machine."""
    chosen = figures.arguments(__doc__).parse_args(given)
    many, few = (20, 6) if chosen.quick else (100, 40)
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder))
        house.start()
        try:
            agent, lab = house.account(), house.account(kind="lab", deposit=None)
            streams(house, agent, lab, many)
            photos(house, agent, few, np.random.default_rng(chosen.seed))
        finally:
            house.stop()
        stream, photo = waits(house, "stream"), waits(house, "photo")
    hand_off = [first for first, _ in (*stream, *photo)]
    rows = [
        figures.of_quantile("hand-off to the worker, p50", hand_off, 0.5, unit="ms", bar="<= 200"),
        figures.of_quantile("hand-off to the worker, p95", hand_off, 0.95, unit="ms"),
        figures.of_quantile("stream: submission to verdict, p50", [v for _, v in stream], 0.5, unit="ms"),
        figures.of_quantile(
            "photo (1280x960): submission to verdict, p50", [v for _, v in photo], 0.5, unit="ms"
        ),
        figures.of_quantile(
            "photo (1280x960): submission to verdict, p95", [v for _, v in photo], 0.95, unit="ms"
        ),
    ]
    return figures.finish("verdict: how long it takes on one machine", rows, chosen.json)


if __name__ == "__main__":
    sys.exit(main())
