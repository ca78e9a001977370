"""The report: one HTML file with everything in it, no script, readable at a phone's width, light and dark.

It shows what was expected beside what was seen, and says of every figure what of it is simulated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from market.demo import charts, exhibits
from market.demo.record import Record

_STYLE = Path(__file__).with_name("page.css")
_SITES = {"flower bed": "dahlia", "terrace counter": "counter", "gate": "sign", "prior": "prior"}
_STOPS = {
    "not_worth_it": "no further look was worth its price",
    "no_offers": "there was nothing more to look at",
    "budget": "the budget was spent",
}
_FLOWS = {
    "deposit": "deposited by the agent",
    "hold": "held in escrow",
    "reward": "released to contributors",
    "fee": "fee",
    "refund": "refunded to the agent",
    "payout": "paid out by the bank",
}
_SIMULATED = (
    "<b>Simulated:</b> the people, their phones, positions and cameras (drawn before real photographs), "
    "the thermometer, the bank, the camera maker&rsquo;s authority, and the café. <b>Real:</b> everything "
    "else: server, worker, database, checks and their nets, signatures, ledger, log, SDK. No figure here "
    "was made by people in the field."
)


def render(record: Record) -> str:
    """The whole page; parts of a run that never happened are left out."""
    parts = [_head(record), _forecast(record), exhibits.honest(record), exhibits.cheats(record)]
    parts += [_money(record), _receipts(record), _expectations(record), _story(record), _versions(record)]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Spotcheck demo</title><style>{_STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _head(record: Record) -> str:
    missed, total = sum(not item.met for item in record.expectations), len(record.expectations)
    title = "An agent asked four questions of the world, and paid for four honest answers"
    pill = f'<span class="pill good">all {total} expectations met</span>'
    if not record.succeeded:
        title = "This run did not go as promised"
        pill = f'<span class="pill bad">{missed} of {total} expectations not met</span>'
    return (
        f"<h1>{title}</h1><p>{pill}</p>"
        "<p>A real server ran on this machine. A program bought looks through the SDK to improve a forecast; "
        "people and an instrument answered; cheats tried to be paid too. This page is what happened.</p>"
        f'<p class="soft small">{_SIMULATED}</p><div class="tiles">{_tiles(record)}</div>'
    )


def _tiles(record: Record) -> str:
    tried = [look for look in record.looks if not look.honest]
    refused = sum(look.verdict == "refused" and look.paid is None for look in tried)
    accepted = sum(look.honest and look.paid is not None for look in record.looks)
    beliefs = record.beliefs
    moved = f"{beliefs[0].p:.0%} → {beliefs[-1].p:.0%}" if beliefs else "&ndash;"
    flows = record.facts.get("money", {}).get("flows", {})
    receipts = len(record.facts.get("offline", {}).get("receipts", []))
    took = record.timings.get("whole demo", record.elapsed_s)
    tiles = (
        ("Forecast", moved, f"in {max(0, len(beliefs) - 1)} looks"),
        ("Earned", f"${flows['reward']['amount']}" if flows else "&ndash;", f"{accepted} honest captures"),
        ("Cheats refused", f"{refused} of {len(tried)}", "none was paid"),
        ("Receipts verified", str(receipts), "offline, server stopped"),
        ("Whole run", f"{took:.0f} s", f"seed {record.seed}"),
    )
    return "".join(
        f'<div class="tile"><span class="soft small">{name}</span><b>{value}</b>'
        f'<span class="soft small">{note}</span></div>'
        for name, value, note in tiles
    )


def _forecast(record: Record) -> str:
    if not record.beliefs:
        return ""
    rows = "".join(
        f"<tr><td>{escape(_SITES.get(b.why, b.why))}</td><td>{exhibits.answered(b.answer)}</td>"
        f"<td class=num>{_share(b.p_genuine)}</td><td class=num>{_share(b.p_answer)}</td>"
        f"<td class=num>{b.p:.0%}</td></tr>"
        for b in record.beliefs[1:]
    )
    ended = record.facts.get("stopped", {})
    reason = str(ended.get("stop"))
    stop = f" It stopped after ${ended['spent']}: {escape(_STOPS.get(reason, reason))}." if ended else ""
    return (
        f"<h2>The forecast</h2><p class=soft>{escape(record.facts.get('question', ''))} Each look was bought "
        f"because it was worth more than its price.{stop}</p>"
        f"<div class=two><div class=card>{charts.forecast_curve(record.beliefs, _SITES)}</div>"
        "<div class=card><h3>What moved it</h3><div class=scroll><table><tr><th>look</th><th>answer</th>"
        "<th class=num>genuine</th><th class=num>right</th><th class=num>forecast</th></tr>"
        f"{rows}</table></div><p class='soft small' style='margin-top:12px'>“Genuine” is the probability "
        f"that the capture is real, “right” that its answer is. {_origin(record)}</p></div></div>"
    )


def _origin(record: Record) -> str:
    """Where the probabilities come from."""
    used = record.facts.get("fusion", {})
    how = "learnt from simulated captures" if used.get("learnt") else "set by hand, not learnt from data"
    return f"Both come from the constants {escape(str(used.get('name', 'unknown')))}: {how}."


def _money(record: Record) -> str:
    money = record.facts.get("money")
    if not money:
        return ""
    rows = "".join(
        f"<tr><td>{_FLOWS[name]}</td><td class=num>{flow['count']}</td>"
        f"<td class=num>${flow['amount']}</td></tr>"
        for name, flow in money["flows"].items()
    )
    audit = "".join(
        _tick("ok" if item["figure"] == 0 else "failed", item["says"]) for item in record.facts["audit"]
    )
    held = record.facts.get("held_back")
    wait = f" ${held} earned at tier 1 is held back for a day before it can be paid out." if held else ""
    return (
        "<h2>The money</h2><p class=soft>Every dollar of the run, to scale. The bank is simulated; the "
        f"ledger is the real one.{wait}</p>"
        f"<div class=two><div class=card>{charts.money_flow(money['flows'])}</div><div class=card>"
        "<h3>Transfers</h3><table><tr><th>what</th><th class=num>transfers</th><th class=num>sum</th></tr>"
        f"{rows}</table><h3 style='margin-top:20px'>The books, audited</h3>"
        f"<ul class=ticks>{audit}</ul></div></div>"
    )


def _receipts(record: Record) -> str:
    offline = record.facts.get("offline")
    if not offline:
        return ""
    cards = []
    for receipt in offline["receipts"]:
        steps = "".join(_tick(step["status"], step["step"], step["why"]) for step in receipt["steps"])
        cards.append(f"<div class=card><h3>{escape(receipt['ask'])}</h3><ul class=ticks>{steps}</ul></div>")
    sizes = [receipt["log_size"] for receipt in record.facts.get("receipts", []) if receipt.get("log_size")]
    return (
        "<h2>Receipts and log</h2><p class=soft>Each answer came with a receipt whose hash is a leaf of a "
        "transparency log. They were checked again with the server stopped, from saved files and the "
        "log&rsquo;s public key alone; a receipt with its answer changed failed.</p>"
        f"<p class='small soft'>A log of {max(sizes, default=0)} leaves; its key is "
        f"<code>{escape(offline['log_key'])}</code></p><div class=looks>{''.join(cards)}</div>"
    )


def _tick(status: str, text: str, why: str = "") -> str:
    kind, mark = {"ok": ("good", "✓"), "failed": ("bad", "✗")}.get(status, ("none", "·"))
    more = f" <span class='soft small'>{escape(why)}</span>" if why else ""
    return f"<li class={kind} data-mark={mark}>{escape(text)}{more}</li>"


def _expectations(record: Record) -> str:
    rows = "".join(
        f"<tr><td class={'good' if item.met else 'bad'}>{'✓' if item.met else '✗'}</td>"
        f"<td>{escape(item.what)}</td><td>{escape(item.expected)}</td><td>{escape(item.observed)}</td></tr>"
        for item in record.expectations
    )
    return (
        "<h2>Expected and seen</h2><div class=scroll><table class=wide><tr><th></th><th>what</th><th>expected</th>"
        f"<th>seen</th></tr>{rows}</table></div>"
    )


def _story(record: Record) -> str:
    lines = "".join(
        f"<tr><td class=num style='padding-right:14px'>{moment.at_s:.1f} s</td>"
        f"<td>{escape(moment.text)}</td></tr>"
        for moment in record.moments
    )
    return f"<details><summary>The story, line by line</summary><table>{lines}</table></details>"


def _versions(record: Record) -> str:
    timings = _pairs((name, f"{value:.2f} s") for name, value in record.timings.items())
    versions = _pairs(record.facts.get("versions", {}).items())
    reports: list[Mapping[str, Any]] = [look.report for look in record.looks if look.report]
    models = {name: digest for report in reports for name, digest in report.get("models", {}).items()}
    nets = _pairs((name, f"{str(digest)[:16]}…") for name, digest in models.items())
    engine = reports[0]["engine"] if reports else ""
    return (
        "<details><summary>Timings, versions, nets</summary><div class=two>"
        f"<div class=card><h3>Timings</h3><table>{timings}</table></div><div class=card><h3>Versions</h3>"
        f"<table>{versions}{nets}</table><p class='small soft' style='margin-top:8px'>{escape(engine)}</p>"
        "</div></div></details><p class='small soft' style='margin-top:32px'>"
        f"Run of {escape(record.started_at)}, seed {record.seed}, by <code>python -m market demo</code>.</p>"
    )


def _pairs(items: Iterable[tuple[str, Any]]) -> str:
    return "".join(
        f"<tr><td>{escape(str(name))}</td><td class=num>{escape(str(value))}</td></tr>"
        for name, value in items
    )


def _share(p: float | None) -> str:
    return "&ndash;" if p is None else f"{p:.1%}"
