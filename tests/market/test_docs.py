"""The documentation that the market serves: an index that leads to every page, and no dead end."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from bounties import rules, submissions, under_way
from core import clock
from core.accounts.rules import Kind
from tests.inside import Inside

ROOT = Path(__file__).resolve().parents[2]
ASK = {
    "ask": "The queue at the main door of the bakery",
    "answer_schema": {"type": "integer", "title": "People in the queue"},
    "area": {"type": "Point", "coordinates": [51.389, 35.6892], "radius_m": 100},
    "reward": "0.50",
    "purpose": "Forecasting queue lengths",
}


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_the_index_leads_to_every_page_and_to_openapi(inside: Inside, path: str) -> None:
    answer = inside.client.get(path, follow_redirects=False)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/markdown; charset=utf-8")
    links = re.findall(r"\]\((/[^)]*)\)", answer.text)
    assert {f"/docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} <= set(links)
    assert {"/openapi.json", "/llms.txt"} <= set(links)
    assert {inside.client.get(link).status_code for link in links} == {200}


def test_what_the_pages_show_and_name_is_served_and_nothing_beside_them(inside: Inside) -> None:
    for page in sorted((ROOT / "docs").rglob("*.md")):
        folder, text = page.parent.relative_to(ROOT), page.read_text(encoding="utf-8")
        named = [(folder / link).as_posix() for link in re.findall(r"\]\(([^):#/][^):#]*)\)", text)]
        cited = re.findall(r"`(docs/[\w./-]+\.(?:md|svg|json|xz|py))`", text)
        for path in {*named, *cited}:
            assert inside.client.get(f"/{path}").status_code == 200, f"{page.name}: {path}"
    drawn = inside.client.get("/docs/verification/honest.svg")
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert "style-src 'unsafe-inline'; sandbox" in drawn.headers["content-security-policy"], (
        "it is styled within"
    )
    assert "unsafe" not in inside.client.get("/docs").headers["content-security-policy"]
    for path in ("/docs/../README.md", "/docs/%2e%2e/README.md", "/docs//etc/passwd", "/docs/decisions"):
        assert inside.client.get(path).status_code == 404, path


@pytest.mark.parametrize("name", ["README.md", "llms.txt"])
def test_paths_that_are_written_down_are_there(inside: Inside, name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    paths = [one or other for one, other in re.findall(r"`(/(?:docs|openapi)[^`]*)`|\]\((/[^)]*)\)", text)]
    assert len(paths) >= 2
    assert {path: inside.client.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)


def test_the_policy_page_says_what_the_gate_reads(inside: Inside) -> None:
    said = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    fields = re.findall(r"`(\w+)`", next(line for line in said.splitlines() if "are read" in line))
    assert fields == ["ask", "purpose", "answer_schema"]
    key = inside.key(Kind.AGENT)
    fine = {**ASK, "closes_at": clock.wire(clock.now() + timedelta(hours=2))}
    assert inside.send("POST", "/v1/bounties", key, json=fine).status_code == 201
    refused = "How many children are at the school?"
    for field in fields:
        text = {"type": "integer", "title": refused} if field == "answer_schema" else refused
        answer = inside.send("POST", "/v1/bounties", key, json={**fine, field: text})
        assert (answer.status_code, answer.json()["facts"]) == (422, {"kind": "minor"}), field


@pytest.mark.parametrize("page", ["policy.md", "api.md"])
def test_the_pages_say_what_letting_claims_go_costs(page: str) -> None:
    """The sentence holds the numbers of `bounties.rules`, as words."""
    words = {1: "an", 5: "five", 12: "twelve"}
    free, first, longest = (
        words[rules.FREE_LET_GO],
        words[rules.FIRST_COOL_DOWN // timedelta(hours=1)],
        words[rules.LONGEST_COOL_DOWN // timedelta(hours=1)],
    )
    text = " ".join((ROOT / "docs" / page).read_text(encoding="utf-8").split())
    told = rf"{free} let go within a day .*sixth makes the next claim wait {first} hour.*to {longest} hours"
    assert re.search(told, text, re.IGNORECASE)
    assert "it costs you nothing" not in text


def test_the_page_says_what_bounds_an_upload() -> None:
    text = " ".join((ROOT / "docs" / "api.md").read_text(encoding="utf-8").split())
    for told in (
        f"After {under_way.GRACE_S:.0f} seconds they come at {under_way.LEAST_RATE // 1024} KiB a second",
        f"never pause for over {under_way.LONGEST_PAUSE_S:.0f} seconds",
        f"{under_way.MOST_UPLOADS} uploads or {under_way.MOST_BYTES // 10**6} MB of one account",
        f"{submissions.MAX_DELIVERIES} uploads that came whole and {submissions.MAX_BEGUN} that were begun",
        f"room for {submissions.MAX_UNUSED // 10**6:,} MB that no capture has",
    ):
        assert told in text, told
