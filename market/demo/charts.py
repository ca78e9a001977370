"""The report's drawings: SVG and HTML text without scripts, sized to read at a phone's width too.

Colours come from the page's style sheet by class, so that light and dark are one drawing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, TypeAlias

from market.demo.record import Belief
from verification.evidence import ABOUT_ANSWER, Family, Status

Row: TypeAlias = "tuple[str, float | None, str]"
HONEST_REACH = 3.0  # nats at either end of a bar track
CHEAT_REACH = 9.0
_WIDTH = 420  # of a drawing's view box: a phone shows it at nearly this size


def forecast_curve(beliefs: Sequence[Belief], names: Mapping[str, str]) -> str:
    """The forecast from the prior on, one point an observation; `names` are short labels of the sites."""
    left, right, top, bottom = 40, _WIDTH - 8, 26, 196
    step = (right - left - 64) / max(1, len(beliefs) - 1)
    xs = [left + 32 + step * k for k in range(len(beliefs))]
    ys = [bottom - (bottom - top) * belief.p for belief in beliefs]
    parts = [_open(250, "The forecast, from the prior to the last observation")]
    for percent in (0, 25, 50, 75, 100):
        y = bottom - (bottom - top) * percent / 100
        parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="soft" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{percent}</text>')
    path = " ".join(
        f"{'M' if k == 0 else 'L'}{x:.1f} {y:.1f}" for k, (x, y) in enumerate(zip(xs, ys, strict=True))
    )
    parts.append(f'<path class="curve" d="{path}"/>')
    for x, y, belief in zip(xs, ys, beliefs, strict=True):
        name = names.get(belief.why, belief.why)
        cost = f"${belief.cost}" if belief.answer is not None or belief.cost != "0" else "before"
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="5.5"/>')
        parts.append(
            f'<text class="big" x="{x:.1f}" y="{y - 13:.1f}" text-anchor="middle">{belief.p:.0%}</text>'
        )
        parts.append(f'<text x="{x:.1f}" y="{bottom + 24}" text-anchor="middle">{escape(name)}</text>')
        parts.append(f'<text class="soft" x="{x:.1f}" y="{bottom + 42}" text-anchor="middle">{cost}</text>')
    return "".join([*parts, "</svg>"])


def said(report: Mapping[str, Any]) -> list[Row]:
    """What each family of evidence said of a capture.

    Returns:
        (family, nats, reasons) in the families' order; nats None where the family proved the capture false.
    """
    rows: list[Row] = []
    for family in Family:
        own = [one for one in report["findings"] if one["family"] == family]
        if not own or family in ABOUT_ANSWER:
            continue
        failed = [one["reason"] for one in own if one["status"] == Status.HARD_FAIL]
        spoken = [one["reason"] for one in own if one["status"] == Status.OK]
        reasons = dict.fromkeys(failed or spoken or [one["reason"] for one in own])
        nats = sum(one["llr"] for one in own)
        rows.append((family.value, None if failed else nats, ", ".join(reasons)))
    return rows


def doubts(report: Mapping[str, Any]) -> str:
    """What may still be false about a capture, the most probable first: plain words."""
    ranked = sorted(report["frauds"].items(), key=lambda one: -one[1])
    return ", ".join(f"{escape(fraud)} {p:.1%}" for fraud, p in ranked)


def bars(rows: Sequence[Row], reach: float, *, why: bool = True) -> str:
    """Diverging bars, one a family: right for genuine, left against; a proof against fills the left."""
    parts = []
    for family, nats, reasons in rows:
        value = -reach if nats is None else min(max(nats, -reach), reach)
        share = abs(value) / reach * 50
        side = f"left:50%;width:{share:.1f}%" if value >= 0 else f"right:50%;width:{share:.1f}%"
        number = "proof" if nats is None else f"{nats:+.1f}".replace("-", "&minus;")
        parts.append(
            f'<div class="bar"><span>{escape(family)}</span><span class="track">'
            f'<i class="{"pos" if value >= 0 else "neg"}" style="{side}"></i></span>'
            f'<span class="num">{number}</span>'
            + (f'<span class="why">{_words(reasons)}</span>' if why else "")
            + "</div>"
        )
    return f'<div class="bars">{"".join(parts)}</div>'


def money_flow(flows: Mapping[str, Mapping[str, Any]]) -> str:
    """Where each dollar went, top to bottom and to scale: bank, agent, escrow, then people, fee and back."""
    paid = {name: float(flow["amount"]) for name, flow in flows.items()}
    scale = 260 / max(paid["deposit"], 0.01)
    wide = {name: max(amount * scale, 2.0) if amount else 0.0 for name, amount in paid.items()}
    kept = max(paid["deposit"] - paid["hold"], 0.0)
    left, rows = 30.0, (34.0, 120.0, 216.0, 316.0, 410.0)
    agent_end = 236.0
    fee_at = left + wide["reward"] + 26
    out_at = left + wide["reward"] - wide["payout"]
    parts = [_open(440, "Money from the bank to the agent, into escrow, and on")]
    ribbons = (
        (left, rows[0], left, rows[1], wide["deposit"], "bank"),
        (left, rows[1], left, rows[2], wide["hold"], "agent"),
        (left + wide["hold"], rows[1], agent_end + wide["refund"], rows[3], kept * scale, "agent"),
        (left, rows[2], left, rows[3], wide["reward"], "escrow"),
        (left + wide["reward"], rows[2], fee_at, rows[3], wide["fee"], "escrow"),
        (left + wide["reward"] + wide["fee"], rows[2], agent_end, rows[3], wide["refund"], "escrow"),
        (out_at, rows[3], out_at, rows[4], wide["payout"], "people"),
    )
    parts += [_ribbon(*ribbon) for ribbon in ribbons]
    parts += [
        _node(left, rows[0], wide["deposit"], "bank", "Sandbox bank", paid["deposit"]),
        _node(left, rows[1], wide["deposit"], "agent", "The agent&rsquo;s balance", paid["deposit"]),
        _node(left, rows[2], wide["hold"], "escrow", "Held in escrow", paid["hold"]),
        _node(left, rows[3], wide["reward"], "people", "Earned", paid["reward"], below=True),
        _node(fee_at, rows[3], wide["fee"], "fee", "Fee", paid["fee"], below=True),
        _node(
            agent_end,
            rows[3],
            wide["refund"] + kept * scale,
            "agent",
            "The agent&rsquo;s again",
            paid["refund"] + kept,
            below=True,
        ),
        _node(out_at, rows[4], wide["payout"], "bank", "Paid out by the bank", paid["payout"], beside=True),
    ]
    return "".join([*parts, "</svg>"])


def sparkline(values: Sequence[float], unit: str) -> str:
    """A small curve of a stream's readings."""
    if not values:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    xs = [10 + (_WIDTH - 80) * k / max(1, len(values) - 1) for k in range(len(values))]
    points = " ".join(f"{x:.1f},{90 - 70 * (v - low) / span:.1f}" for x, v in zip(xs, values, strict=True))
    return (
        f"{_open(104, 'The readings in order')}"
        f'<polyline class="curve" points="{points}"/>'
        f'<text class="soft" x="{_WIDTH - 62}" y="24">{high:.2f} {escape(unit)}</text>'
        f'<text class="soft" x="{_WIDTH - 62}" y="92">{low:.2f} {escape(unit)}</text></svg>'
    )


def _open(height: int, label: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(label)}">'


def _ribbon(x0: float, y0: float, x1: float, y1: float, width: float, colour: str) -> str:
    if width <= 0:
        return ""
    y0, half, x2, x3 = y0 + 10, (y1 - y0 - 10) / 2, x0 + width, x1 + width
    down = f"C{x0:.1f} {y0 + half:.1f} {x1:.1f} {y1 - half:.1f} {x1:.1f} {y1:.1f}"
    back = f"C{x3:.1f} {y1 - half:.1f} {x2:.1f} {y0 + half:.1f} {x2:.1f} {y0:.1f}"
    return f'<path class="ribbon c-{colour}" d="M{x0:.1f} {y0:.1f} {down} h{width:.1f} {back} Z"/>'


def _node(
    x: float,
    y: float,
    width: float,
    colour: str,
    name: str,
    amount: float,
    *,
    below: bool = False,
    beside: bool = False,
) -> str:
    label = f'{name} <tspan class="big">${amount:.2f}</tspan>'
    bar = f'<rect class="c-{colour}" x="{x:.1f}" y="{y}" width="{max(width, 2):.1f}" height="10" rx="2"/>'
    if beside:
        return f'{bar}<text x="{x + width + 10:.1f}" y="{y + 10}">{label}</text>'
    if below:
        lines = f'<text x="{x:.1f}" y="{y + 28}">{name}</text>'
        return f'{bar}{lines}<text class="big" x="{x:.1f}" y="{y + 46}">${amount:.2f}</text>'
    return f'{bar}<text x="{x:.1f}" y="{y - 8}">{label}</text>'


def _words(reasons: str) -> str:
    return escape(reasons.replace("_", " "))
