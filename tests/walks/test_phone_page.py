"""The contributor's page, walked through in a real browser against a real market.

Chromium's camera is fed with clips that `market.simulator.camera` renders (simulated pictures), its
location is set; everything else is as on a phone: the key in WebCrypto, IndexedDB, the uploads, the worker.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect, sync_playwright
from skimage import data

from core import clock
from core.geo import Area, Spot, distance_m
from market.simulator.camera import mjpeg, render
from tests.servers import House

PICTURES: Any = data  # scikit-image ships no types
WEB = Path(__file__).resolve().parents[2] / "web"
VERDICT_WITHIN_MS = 150_000
HERE = Spot(47.0707, 15.4395)
STAND = Spot(HERE.lat + 0.00018, HERE.lon - 0.00011)  # nobody stands at an area's very centre

pytestmark = [pytest.mark.timeout(360), pytest.mark.alone]


@dataclass
class Camera:
    """The clip that the browser takes for its camera. Written before the page opens it."""

    path: Path

    def show(self, photo: NDArray[np.uint8], code: str | None, seed: int) -> None:
        """Points the camera at a scene, with the code on paper when there is one."""
        mjpeg(render(photo, code=code, seed=seed, frames=3), self.path)


@dataclass
class Phone:
    """One person's phone: a browser context of its own, and what went wrong in it."""

    page: Page
    context: BrowserContext
    faults: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: self.faults.append(f"dialog {dialog.message}"))
        self.page.on("console", self._listen)
        self.page.on("request", lambda request: self.requests.append(request))  # noqa: PLW0108

    def _listen(self, message: Any) -> None:
        if "Content Security Policy" in message.text:
            self.faults.append(message.text)

    def press(self, name: str) -> None:
        """Presses the one button that is called so."""
        self.page.get_by_role("button", name=name).click()

    def set_up(self, house: House) -> None:
        """Opens the page for the first time and enrols."""
        self.page.goto(house.url)
        self.press("Set up this phone")
        expect(self.page.get_by_role("heading", name="Tasks nearby")).to_be_visible()

    def claim(self, ask: str) -> str:
        """Opens the task's card and claims it; returns the code to write down, "" when none is asked."""
        self.page.get_by_role("link", name=ask).click()
        self.press("Claim for")
        expect(self.page.get_by_role("button", name="pen the camera")).to_be_visible()
        code = self.page.locator(".code")
        return code.inner_text() if code.count() else ""

    def shoot(self) -> None:
        """Opens the camera and takes the photo."""
        self.press("pen the camera")
        self.page.wait_for_function("() => document.querySelector('video')?.videoWidth > 0")
        expect(self.page.locator("button.shutter")).to_be_enabled()
        self.press("Take the photo")
        expect(self.page.get_by_role("button", name="Use this photo")).to_be_visible()

    def answer_number(self, label: str, number: str) -> None:
        """Types a number and sends it."""
        self.page.get_by_label(label).fill(number)
        self.press("Send")

    def sent(self, ending: str) -> list[Request]:
        """Requests whose path ends so."""
        return [request for request in self.requests if request.url.endswith(ending)]


def chromium_path() -> str | None:
    """A browser that is there already, else None for playwright's own."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Camera:
    found = Camera(tmp_path_factory.mktemp("camera") / "clip.mjpeg")
    found.show(PICTURES.coffee(), None, seed=1)
    return found


@pytest.fixture(scope="module")
def browser(camera: Camera) -> Iterator[Browser]:
    flags = [
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera.path}",
    ]
    with sync_playwright() as playwright:
        path = chromium_path() or playwright.chromium.executable_path
        if not Path(path).exists():
            pytest.fail("no Chromium: run .venv/bin/playwright install chromium")
        started = playwright.chromium.launch(executable_path=path, args=flags)
        yield started
        started.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Phone]:
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        is_mobile=True,
        has_touch=True,
        geolocation={"latitude": STAND.lat, "longitude": STAND.lon, "accuracy": 9},
        permissions=["camera", "geolocation"],
        locale="en-GB",
    )
    carried = Phone(context.new_page(), context)
    yield carried
    context.close()
    assert carried.faults == []


def post(house: House, agent: str, ask: str, reward: str, **more: object) -> str:
    """Posts a photo bounty around HERE; returns its id."""
    body = {
        "ask": ask,
        "answer_schema": {"type": "integer", "minimum": 0, "title": "People in the queue"},
        "area": Area.disc(HERE.lat, HERE.lon, 60).geojson(),
        "closes_at": clock.wire(clock.now() + timedelta(hours=2)),
        "reward": reward,
        "purpose": "Forecasting queue lengths",
        **more,
    }
    made = house.post("/v1/bounties", body, key=agent)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def observation(house: House, agent: str, bounty: str) -> dict[str, Any]:
    """The bounty's one observation, as its buyer gets it."""
    waited = house.get(f"/v1/bounties/{bounty}/wait?timeout=25", key=agent).json()
    assert len(waited["observations"]) == 1
    return dict(waited["observations"][0])


def accept_by_hand(house: House) -> None:
    """A named reviewer accepts the one capture that waits, and sees that its motion was missing."""
    operator = house.account(kind="operator", name="reviewer")
    (waiting,) = house.get("/v1/reviews", key=operator).json()["items"]
    decision = {"verdict": "accept", "note": "The code stands on paper at the bakery."}
    assert house.post(f"/v1/reviews/{waiting['capture']}", decision, key=operator).status_code == 200


def test_a_person_earns_with_the_page(house: House, phone: Phone, camera: Camera) -> None:
    """Enrol, claim, write the code, photograph, answer, get paid: and the agent has its answer.

    The browser's camera plays a clip and its motion sensors are silent, as a cheat's would be: at this tier
    that is a person's case, and a person decides.
    """
    agent = house.account()
    bounty = post(house, agent, "Show the queue at the bakery", "2.00")
    phone.set_up(house)
    code = phone.claim("Show the queue at the bakery")
    assert code
    camera.show(PICTURES.coffee(), code, seed=11)
    phone.shoot()
    phone.press("Use this photo")
    phone.answer_number("People in the queue", "7")
    expect(phone.page.get_by_text("A person is looking at it")).to_be_visible(timeout=VERDICT_WITHIN_MS)
    accept_by_hand(house)
    # The page asks every half minute while a person has it, and when it is shown again.
    phone.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(phone.page.get_by_text("Accepted, $2.00 paid")).to_be_visible(timeout=VERDICT_WITHIN_MS)
    seen = observation(house, agent, bounty)
    assert seen["answer"] == 7
    phone.page.get_by_role("link", name="Earnings").click()
    on_hold = phone.page.locator(".sum", has_text="on hold").locator(".amount")
    expect(on_hold).to_have_text("$2.00")  # this tier waits a day
    order = [request.url.rsplit("/", 1)[1] for request in phone.requests if "/v1/claims/" in request.url]
    assert order == ["commitment", "media", "burst", "captures"]


def test_an_interrupted_upload_goes_on_after_a_reload(house: House, phone: Phone, camera: Camera) -> None:
    """Cut off in the middle of sending, reloaded at every step: one capture, same keys, paid once."""
    agent = house.account()
    bounty = post(house, agent, "Show the ferry at the pier", "0.90")
    phone.set_up(house)
    phone.claim("Show the ferry at the pier")
    phone.page.reload()
    camera.show(PICTURES.chelsea(), None, seed=5)
    phone.shoot()
    phone.page.reload()
    phone.page.route("**/media", lambda route: route.abort())
    phone.press("Use this photo")
    expect(phone.page.get_by_label("People in the queue")).to_be_visible()
    phone.page.reload()
    phone.answer_number("People in the queue", "3")
    expect(phone.page.get_by_text("Saved on this phone, sending")).to_be_visible()
    phone.page.unroute("**/media")
    phone.page.reload()
    expect(phone.page.get_by_text("Accepted, $0.90 paid")).to_be_visible(timeout=VERDICT_WITHIN_MS)
    assert observation(house, agent, bounty)["answer"] == 3
    for ending in ("/commitment", "/media", "/captures"):
        keys = {request.headers["idempotency-key"] for request in phone.sent(ending)}
        assert len(keys) == 1, ending
    assert len(phone.sent("/media")) >= 2


def test_a_refusal_is_explained_and_can_be_appealed(house: House, phone: Phone, camera: Camera) -> None:
    """From three kilometres away: the page warns, the market refuses, says why, and takes the appeal."""
    agent = house.account()
    post(house, agent, "Show the tram stop", "0.50")
    phone.set_up(house)
    phone.claim("Show the tram stop")
    phone.context.set_geolocation({"latitude": HERE.lat + 0.03, "longitude": HERE.lon, "accuracy": 9})
    camera.show(PICTURES.rocket(), None, seed=7)
    phone.press("pen the camera")
    expect(phone.page.get_by_text("outside the place")).to_be_visible()
    phone.press("Take the photo")
    phone.press("Use this photo")
    phone.answer_number("People in the queue", "0")
    expect(phone.page.get_by_text("Not accepted")).to_be_visible(timeout=VERDICT_WITHIN_MS)
    expect(phone.page.get_by_text("taken outside the place")).to_be_visible()
    phone.page.get_by_text("Appeal", exact=True).click()
    phone.page.get_by_label("Why should a person look again?").fill("The stop moved down the road.")
    phone.press("Send the appeal")
    expect(phone.page.get_by_text("Appealed: a person will look again")).to_be_visible()


def test_text_of_others_stays_text(house: House, phone: Phone) -> None:
    agent = house.account()
    ask = "<img src=x onerror=alert(1)><b>Show</b> the fountain"
    purpose = "<script>alert(2)</script> planning"
    post(house, agent, ask, "0.40", purpose=purpose, answer_schema={"enum": ["<i>on</i>", "off"]})
    phone.set_up(house)
    phone.page.get_by_role("heading", name=ask).click()
    expect(phone.page.get_by_text(purpose)).to_be_visible()
    expect(phone.page.get_by_text("<i>on</i> / off")).to_be_visible()
    assert phone.page.locator("main :is(b, i, script)").count() == 0


def test_a_task_can_be_given_back(house: House, phone: Phone) -> None:
    agent = house.account()
    bounty = post(house, agent, "Show the market square", "0.40")
    phone.set_up(house)
    phone.claim("Show the market square")
    assert house.get(f"/v1/bounties/{bounty}", key=agent).json()["slots_open"] == 0
    phone.press("Give this task back")
    expect(phone.page.get_by_role("heading", name="Show the market square")).to_be_visible()
    assert house.get(f"/v1/bounties/{bounty}", key=agent).json()["slots_open"] == 1


def test_the_key_cannot_be_read_out(house: House, phone: Phone) -> None:
    """What the phone signs with is not extractable, so no script can carry it off."""
    phone.set_up(house)
    tried = phone.page.evaluate(
        """async () => {
            const { getSelf } = await import("/store.js");
            const { keys } = await getSelf();
            const kept = keys.privateKey.extractable;
            const out = await crypto.subtle.exportKey("pkcs8", keys.privateKey).catch((e) => e.name);
            return [kept, out];
        }"""
    )
    assert tried == [False, "InvalidAccessError"]


def test_a_phone_the_server_does_not_know_is_told(house: House, phone: Phone) -> None:
    phone.set_up(house)
    phone.page.evaluate(
        """async () => {
            const { getSelf, putSelf } = await import("/store.js");
            await putSelf({ ...(await getSelf()), secret: "sk_unknown" });
        }"""
    )
    phone.page.reload()
    expect(phone.page.get_by_text("does not know this phone")).to_be_visible()
    phone.press("Set up this phone again")
    phone.press("Set up this phone")
    expect(phone.page.get_by_role("heading", name="Tasks nearby")).to_be_visible()


def test_a_phone_whose_enrolment_answer_is_lost_starts_over(house: House, phone: Phone) -> None:
    """The secret is shown once; when that answer is lost, a second press is no dead end."""
    lost: list[int] = []

    def swallow(route: Route) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().status)  # the server did enrol it
            route.abort()

    phone.page.route("**/v1/devices", swallow)
    phone.page.goto(house.url)
    phone.press("Set up this phone")
    expect(phone.page.get_by_role("button", name="Set up this phone")).to_be_enabled()
    phone.press("Set up this phone")
    expect(phone.page.get_by_role("heading", name="Tasks nearby")).to_be_visible()
    assert lost == [201]
    kept = phone.page.evaluate('async () => (await (await import("/store.js")).getSelf()).secret')
    assert str(kept).startswith("sk_")


def test_the_page_measures_like_the_server(house: House, phone: Phone) -> None:
    """Distances to discs and polygons agree with core.geo, so a warning means what the server will say."""
    phone.page.goto(house.url)
    rng = random.Random(4)
    for _ in range(40):
        spot = Spot(HERE.lat + rng.uniform(-0.02, 0.02), HERE.lon + rng.uniform(-0.02, 0.02))
        disc = Area.disc(HERE.lat, HERE.lon, rng.uniform(10, 2000))
        corners = [(HERE.lat + y, HERE.lon + x) for y, x in ((-0.01, -0.01), (0.01, -0.004), (0.003, 0.012))]
        for area in (disc, Area.polygon(corners)):
            shown = phone.page.evaluate(
                """async ([area, place]) => (await import("/geo.js")).metresOutside(area, place)""",
                [area.geojson(), {"lat": spot.lat, "lon": spot.lon}],
            )
            assert shown == pytest.approx(area.distance_m(spot), abs=1.0)
        there = [{"lat": p.lat, "lon": p.lon} for p in (HERE, spot)]
        flown = phone.page.evaluate("async ([a, b]) => (await import('/geo.js')).metres(a, b)", there)
        assert flown == pytest.approx(distance_m(HERE, spot), rel=1e-6)


@pytest.mark.parametrize(
    ("typed", "schema", "expected"),
    [
        ("7", {"minimum": 0}, {"value": 7}),
        (" 1,5 ", {}, {"value": 1.5}),
        ("\u22123", {}, {"value": -3}),
        ("", {}, {"fault": "Please enter a number."}),
        ("1e5", {}, {"fault": "Please enter a number."}),
        ("12 people", {}, {"fault": "Please enter a number."}),
        ("-1", {"minimum": 0}, {"fault": "At least 0."}),
        ("501", {"maximum": 500}, {"fault": "At most 500."}),
        ("0", {"exclusiveMinimum": 0}, {"fault": "More than 0."}),
        ("2.5", {"type": "integer"}, {"fault": "Please enter a whole number."}),
    ],
)
def test_typed_numbers(
    house: House, phone: Phone, typed: str, schema: dict[str, Any], expected: dict[str, Any]
) -> None:
    phone.page.goto(house.url)
    read = phone.page.evaluate(
        "async ([typed, schema, whole]) => (await import('/answer.js')).readNumber(typed, schema, whole)",
        [typed, schema, schema.get("type") == "integer"],
    )
    assert read == expected


def test_nothing_in_the_page_can_bring_a_picture_or_markup() -> None:
    """No file picker, no drop, no paste; no markup from strings; nothing inline; nothing from elsewhere."""
    sources = {path.name: path.read_text() for path in WEB.rglob("*") if path.suffix in {".js", ".html"}}
    assert len(sources) >= 15
    for name, source in sources.items():
        code = re.sub(r"^\s*(//|/?\*).*$", "", source, flags=re.MULTILINE)
        for banned in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "new Function"):
            assert banned not in code, (name, banned)
        for banned in ('type="file"', 'type: "file"', "showOpenFilePicker", "dataTransfer", "clipboard"):
            assert banned not in code, (name, banned)
        assert not re.search(r"""["'(]https?://(?!www\.w3\.org/)""", code), name
    page = sources["index.html"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", page)


def test_the_manifest_names_what_is_there() -> None:
    manifest = json.loads((WEB / "manifest.webmanifest").read_text())
    assert all((WEB / icon["src"]).exists() for icon in manifest["icons"])
