"""The reader's page's drawings: plain SVG files, without scripts, readable on light and dark ground.

Each takes numbers and gives the file's text; what is drawn is said once more in words in its title.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from verification.calibration.scoring import Doubles

_STYLE = """<style>
text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#57606a}
.name{font-size:13px;font-weight:600;fill:#24292f}
.grid{stroke:#d0d7de;stroke-width:1}.even{stroke:#8c959f;stroke-width:1;stroke-dasharray:4 4}
.one{fill:none;stroke:#0969da;stroke-width:2}.dot{fill:#0969da;fill-opacity:.75}.reach{stroke:#0969da;stroke-width:1.5}
.quiet{fill:none;stroke:#afb8c1;stroke-width:1.3}.bad{fill:none;stroke:#bc4c00;stroke-width:2}.badname{fill:#bc4c00}
.true{fill:#0969da;fill-opacity:.8}.false{fill:none;stroke:#bc4c00;stroke-width:1.6}
@media(prefers-color-scheme:dark){text{fill:#9198a1}.name{fill:#f0f6fc}.grid{stroke:#3d444d}.even{stroke:#656c76}
.one,.reach{stroke:#4493f8}.dot,.true{fill:#4493f8}.quiet{stroke:#565d66}.bad,.false{stroke:#f0883e}.badname{fill:#f0883e}}
</style>"""
_SIDE, _LEFT, _TOP, _GAP, _BELOW = 260.0, 46.0, 34.0, 62.0, 48.0
WORST = 3  # curves that are named


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of a reliability diagram: its share of the mass, mean p said, share true with its interval."""

    mass: float
    said: float
    true: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """A ROC curve: shares of attacks and of honest captures accepted as the line falls, and its AUC."""

    name: str
    attack: Doubles
    honest: Doubles
    auc: float


def reliability(panels: Mapping[str, Sequence[Bin]]) -> str:
    """One panel a name: what was said against what was true; the area of a dot is its bin's mass."""
    parts = []
    for number, (name, bins) in enumerate(panels.items()):
        frame = _Frame(number, name, "p_genuine said", "share genuine")
        parts += [*frame.grid(), frame.even()]
        for one in bins:
            x, y = frame.at(one.said, one.true)
            (_, low), (_, high) = frame.at(one.said, one.low), frame.at(one.said, one.high)
            radius = max(2.0, 11 * one.mass**0.5)
            parts.append(f'<line class="reach" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>')
            parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>')
    return _svg(len(panels), "Reliability: probability said against share genuine, by tier", parts)


def roc(panels: Mapping[str, Sequence[Curve]]) -> str:
    """One panel a stratum, one curve a family; those with the least area are coloured and named."""
    parts = []
    for number, (name, curves) in enumerate(panels.items()):
        frame = _Frame(number, name, "attacks accepted", "honest accepted")
        parts += [*frame.grid(), frame.even()]
        ranked = sorted(curves, key=lambda curve: -curve.auc)
        for curve in ranked:
            bad = curve in ranked[-WORST:]
            points = (frame.at(x, y) for x, y in zip(curve.attack, curve.honest, strict=True))
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            parts.append(f'<polyline class="{"bad" if bad else "quiet"}" points="{path}"/>')
        for row, curve in enumerate(reversed(ranked[-WORST:])):
            x, y = frame.at(0.98, 0.06 + 0.065 * row)
            said = f"{escape(curve.name)} {curve.auc:.3f}"
            parts.append(f'<text class="badname" x="{x:.1f}" y="{y:.1f}" text-anchor="end">{said}</text>')
        x, y = frame.at(0.98, 0.06 + 0.065 * min(WORST, len(ranked)))
        parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="end">least area:</text>')
    return _svg(len(panels), "ROC by attack family: honest captures accepted against attacks accepted", parts)


def histogram(panels: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> str:
    """One panel a name: shares of honest captures (filled) and of attacks (outline) by p, in even bins."""
    parts: list[str] = []
    for number, (name, (honest, attack)) in enumerate(panels.items()):
        frame = _Frame(number, name, "p_genuine", "share of captures")
        parts += frame.grid()
        wide = 1 / max(1, len(honest))
        for k, share in enumerate(honest):
            (x0, y0), (x1, y1) = frame.at(k * wide, 0), frame.at((k + 1) * wide, share)
            size = f'width="{x1 - x0 - 1:.1f}" height="{y0 - y1:.1f}"'
            parts.append(f'<rect class="true" x="{x0 + 0.5:.1f}" y="{y1:.1f}" {size}/>')
        corners = [
            at for k, s in enumerate(attack) for at in (frame.at(k * wide, s), frame.at((k + 1) * wide, s))
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
        parts.append(f'<polyline class="false" points="{path}"/>')
        for row, (mark, word) in enumerate((("true", "honest"), ("false", "attacks"))):
            x, y = frame.at(0.06, 0.94 - 0.075 * row)
            parts.append(f'<rect class="{mark}" x="{x:.1f}" y="{y - 9:.1f}" width="12" height="9"/>')
            parts.append(f'<text x="{x + 18:.1f}" y="{y:.1f}">{word}</text>')
    return _svg(len(panels), "How probable the verifier found honest captures and attacks, by tier", parts)


class _Frame:
    """A square panel for two shares in 0..1."""

    def __init__(self, number: int, name: str, across: str, up: str) -> None:
        self._x = _LEFT + number * (_SIDE + _GAP)
        self._name, self._across, self._up = name, across, up

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A point of the drawing."""
        return self._x + _SIDE * x, _TOP + _SIDE * (1 - y)

    def even(self) -> str:
        """The diagonal."""
        (x0, y0), (x1, y1) = self.at(0, 0), self.at(1, 1)
        return f'<line class="even" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"/>'

    def grid(self) -> Iterable[str]:
        """Grid, ticks, the axes' names and the panel's."""
        for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
            (x0, y), (x1, _) = self.at(0, tick), self.at(1, tick)
            yield f'<line class="grid" x1="{x0:.1f}" y1="{y:.1f}" x2="{x1:.1f}" y2="{y:.1f}"/>'
            yield f'<text x="{x0 - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
            x, y = self.at(tick, 0)
            yield f'<text x="{x:.1f}" y="{y + 17:.1f}" text-anchor="middle">{tick:g}</text>'
        x, y = self.at(0.5, 0)
        yield f'<text x="{x:.1f}" y="{y + 37:.1f}" text-anchor="middle">{escape(self._across)}</text>'
        x, y = self.at(0, 1)
        title = f'<tspan class="name">{escape(self._name)}</tspan>'
        yield f'<text x="{x:.1f}" y="{y - 14:.1f}">{title}<tspan dx="10">{escape(self._up)}</tspan></text>'


def _svg(panels: int, label: str, parts: Iterable[str]) -> str:
    width = _LEFT + panels * (_SIDE + _GAP) - _GAP + 20
    height = _TOP + _SIDE + _BELOW
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img"><title>{escape(label)}</title>'
    )
    return "\n".join([head, _STYLE, *parts, "</svg>"]) + "\n"
