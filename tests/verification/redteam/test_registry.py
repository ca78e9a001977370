"""The contract of the families: names, pages, strata, splits; the same seed gives the same capture."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections import Counter
from pathlib import Path

import pytest

from verification.redteam import families
from verification.redteam.making import by_name, make
from verification.redteam.photographs import shelves
from verification.redteam.registry import Recipe, Split, Stratum, family, recipes
from verification.redteam.workshop import Sample

SHELVES = shelves(None)


def sample(name: str, index: int = 0, seed: int = 1, tier: int | None = None) -> Sample:
    recipe = by_name(name)
    at = recipe.tiers[0] if tier is None else tier
    return make(recipe, at, index, seed, SHELVES[recipe.split], None)[1]


def test_there_are_forty_reported_families_in_three_strata() -> None:
    reported = [recipe for recipe in recipes() if recipe.split is Split.REPORTED and not recipe.genuine]
    counted = Counter(recipe.stratum for recipe in reported)
    assert sum(counted.values()) >= 40
    assert min(counted[stratum] for stratum in (Stratum.PROTOCOL, Stratum.REUSE, Stratum.SIGHTED)) >= 12
    assert counted[Stratum.ADAPTIVE] >= 3


def test_each_file_is_one_family_with_a_page() -> None:
    seen: dict[str, Recipe] = {recipe.make.__module__: recipe for recipe in recipes()}
    found = [m.name for m in pkgutil.walk_packages(families.__path__, families.__name__ + ".") if not m.ispkg]
    assert sorted(seen) == sorted(found)
    assert len(seen) == len(recipes())
    for name, recipe in seen.items():
        page = inspect.getdoc(importlib.import_module(name)) or ""
        assert len(page) > 25, name
        assert name.endswith(f".{recipe.name}")
    pages = [inspect.getdoc(importlib.import_module(name)) for name in seen if ".calibration." not in name]
    assert len(set(pages)) == len(pages)


def test_what_is_learnt_from_shares_nothing_with_what_is_reported() -> None:
    names = {split: {r.name for r in recipes() if r.split is split} for split in Split}
    assert all(name.startswith("learn_") for name in names[Split.CALIBRATION])
    assert not any(name.startswith("learn_") for name in names[Split.REPORTED])
    assert any(r.genuine for r in recipes() if r.split is Split.CALIBRATION)
    ids = [{p.id for p in (*shelf.real, *shelf.ai)} for shelf in SHELVES.values()]
    assert all(ids)
    assert not ids[0] & ids[1]
    assert not set(SHELVES[Split.REPORTED].sources) & set(SHELVES[Split.CALIBRATION].sources)


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match="two families"):
        family("nonce_reused", stratum="protocol")(by_name("nonce_reused").make)


def test_sources_of_a_manifest_fall_into_one_split_and_test_only_ones_are_never_learnt_from(
    tmp_path: Path,
) -> None:
    rows = ["file,label,source,use,style,group,width,height"]
    for number, (source, use) in enumerate(
        [("a@1:x", "train+test"), ("a@2:y", "train+test"), ("b@1", "train+test"), ("c@1", "test only")] * 3
    ):
        rows.append(f"{number}.jpg,real,{source},{use},camera,,800,600")
    (tmp_path / "manifest.csv").write_text("\n".join(rows))
    split = shelves(tmp_path)
    assert {"real: a"} == {p.source for p in split[Split.REPORTED].real} - {"real: c"}
    assert {p.source for p in split[Split.CALIBRATION].real} == {"real: b"}


@pytest.mark.parametrize("name", ["nonce_reused", "recompressed", "honest_t0"])
def test_the_same_seed_gives_the_same_capture_and_another_seed_another(name: str) -> None:
    once, again, other = sample(name), sample(name), sample(name, seed=2)
    assert once.context == again.context
    assert once.context.evidence.session.signature != other.context.evidence.session.signature


def test_a_tier_1_sample_brings_code_turns_and_a_burst_the_same_each_time() -> None:
    once, again = sample("stock_picture"), sample("stock_picture")
    assert once.context == again.context
    evidence = once.context.evidence
    assert len(evidence.session.code) == 6
    assert len(evidence.session.pan) == 3
    assert evidence.session.pan[2] in "<>"
    assert evidence.burst is not None
    assert evidence.burst.motion.startswith("t,gx")


def test_at_tier_0_nothing_is_asked_and_no_burst_comes() -> None:
    evidence = sample("stock_picture", tier=0).context.evidence
    assert (evidence.session.code, evidence.session.pan, evidence.burst) == ("", "", None)
