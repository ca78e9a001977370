"""The captures of the report: honest ones with all the evidence, cheats with what gave them away."""

from __future__ import annotations

from html import escape

from market.demo import cast, charts
from market.demo.charts import Row
from market.demo.record import Look, Record

_LEAST = 0.05  # nats: less is not worth a line


def honest(record: Record) -> str:
    """The section of honest captures; "" when there are none."""
    looks = sorted((look for look in record.looks if look.honest), key=lambda look: not look.picture)
    shown = [_card(look, record) for look in looks]
    if not shown:
        return ""
    return (
        "<h2>Honest captures</h2><p class=soft>What the verifier found, by family of evidence, in nats: a "
        "bar to the right is evidence for a genuine capture, to the left against. One nat multiplies the odds by "
        "2.7, but only against the frauds that this kind of evidence can tell: what remains to doubt stands "
        f"below.</p><div class=looks>{''.join(shown)}</div>"
    )


def cheats(record: Record) -> str:
    """The section of cheats; "" when there are none."""
    shown = [_cheat(look, record) for look in record.looks if not look.honest]
    if not shown:
        return ""
    return (
        "<h2>Cheats</h2><p class=soft>Each is an honest phone with one step bent. The cheat is told a reason "
        "that helps an honest person and teaches a cheat nothing; what the verifier found is for operators "
        f"only.</p><p class='small soft'>{escape(cast.RENDERED.capitalize())}.</p>"
        f"<div class=cheats>{''.join(shown)}</div>"
    )


def answered(answer: object) -> str:
    """An answer as HTML."""
    if answer is None:
        return "&ndash;"
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    return escape(str(answer))


def evidence(look: Look, record: Record) -> list[Row]:
    """What each family said of this capture; [] when the verifier left no report."""
    return charts.said(look.report) if look.report and "fusion" in record.facts else []


def _card(look: Look, record: Record) -> str:
    stream = record.facts.get("stream")
    head = f'<img src="{look.picture}" alt="The picture handed in: {escape(look.title)}">'
    if not look.picture:
        head = charts.sparkline(stream["values"], stream["unit"]) if stream else ""
    return (
        f"<article class='card look'>{head}<div class=line><span class=small>{escape(look.ask)}</span>"
        f"{_pill(look)}</div><div class=answer>{answered(look.answer)}</div>{_weighed(look, record)}"
        f"<p class='small soft' style='margin:10px 0 6px'>By {escape(look.who)}; ${look.reward} at tier "
        f"{look.tier}; {look.seconds:.1f} s from claim to verdict.</p>"
        f"<span class=tag>{escape(look.simulated)}</span></article>"
    )


def _weighed(look: Look, record: Record) -> str:
    """Prior, bars and posterior."""
    found = evidence(look, record)
    if not found or not look.report:
        return ""
    rows = [row for row in found if row[1] is None or abs(row[1]) >= _LEAST]
    silent = ", ".join(escape(family) for family, nats, _ in found if nats is not None and abs(nats) < _LEAST)
    (low, high), reach = look.report["interval"], charts.HONEST_REACH
    return (
        f"<div class='line small soft'><span>prior {record.facts['fusion']['prior']:.0%}</span>"
        f"<span>after all evidence <b class=good>{look.report['p_genuine']:.1%}</b> ({low:.0%} to {high:.0%})</span></div>"
        f"{charts.bars(rows, reach)}<div class=scale><span>&minus;{reach:.0f}</span><span>0</span>"
        f"<span>+{reach:.0f}</span></div>"
        f"<p class='small soft'>Silent: {silent}.</p>"
        f"<p class='small soft'>What may still be false: {charts.doubts(look.report)}.</p>"
    )


def _cheat(look: Look, record: Record) -> str:
    found = "<p class='small soft'>Refused at the door: the call failed, and no capture was made.</p>"
    if look.capture:
        against = [row for row in evidence(look, record) if row[1] is None or row[1] < -_LEAST]
        found = charts.bars(against, charts.CHEAT_REACH)
    told = ", ".join(cast.TOLD.get(reason, reason) for reason in look.reasons)
    return (
        f'<article class=cheat><img src="{look.picture}" alt="The picture handed in: {escape(look.title)}">'
        f"<div><h3>{escape(look.title)}</h3><p class=small>{escape(look.bent)}</p>{_pill(look)} "
        f"<span class='small soft'>${look.reward} at tier {look.tier}, {look.seconds:.1f} s</span>"
        f"<p class=small style='margin-top:6px'>Told: {escape(told)} "
        f"<code class=soft>{escape(', '.join(look.reasons))}</code></p></div>"
        f"<div><span class='small soft'>What counted against it</span>{found}</div></article>"
    )


def _pill(look: Look) -> str:
    if look.verdict == "accepted":
        return f'<span class="pill good">accepted, ${escape(str(look.paid))} paid</span>'
    return f'<span class="pill bad">{escape(look.verdict)}, {"paid" if look.paid else "unpaid"}</span>'
