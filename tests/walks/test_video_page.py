"""The contributor's page films: a real browser records, and the market takes, judges and pays for it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import expect
from sklearn.datasets import load_sample_image

from market.simulator.camera import Shot, mjpeg, render
from tests.servers import House
from tests.walks import test_phone_page as pages
from tests.walks.test_phone_page import VERDICT_WITHIN_MS, Camera, Phone, accept_by_hand, observation, post
from verification import burst_file

browser, phone = pages.browser, pages.phone  # fixtures: this page's camera plays another clip
pytestmark = [pytest.mark.timeout(360), pytest.mark.alone]
CAMERA_FPS = 30.0  # at which Chromium plays a clip
CLIP_S = 13.0  # without a repeat while it is filmed: a loop is what a check looks for


@pytest.fixture(scope="module")
def take() -> Shot:
    """A held phone before one scene (simulated), for as long as any of these films last."""
    frames = round(CLIP_S * CAMERA_FPS)
    return render(
        load_sample_image("china.jpg"), code=None, seed=51, size=(640, 480), frames=frames, fps=CAMERA_FPS
    )


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory, take: Shot) -> Camera:
    found = Camera(tmp_path_factory.mktemp("camera") / "clip.mjpeg")
    mjpeg(take, found.path)
    return found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A market of its own: the scene is in no other's memory."""
    running = House(tmp_path_factory.mktemp("film_house"))
    running.start()
    yield running
    running.stop()


def film(phone: Phone) -> None:
    """Opens the camera and films for a little over the five seconds that are asked."""
    phone.press("pen the camera")
    phone.page.wait_for_function("() => document.querySelector('video')?.videoWidth > 0")
    expect(phone.page.locator("button.shutter")).to_be_enabled()
    phone.press("Start filming")
    expect(phone.page.get_by_text("keep filming")).to_be_visible()
    expect(phone.page.locator("button.shutter")).to_be_disabled()  # too short to be taken yet
    expect(phone.page.locator("button.shutter")).to_be_enabled(timeout=15_000)
    phone.press("Stop filming")
    expect(phone.page.get_by_role("button", name="Use this video")).to_be_visible(timeout=15_000)


def test_a_person_films_with_the_page_and_is_paid(house: House, phone: Phone, camera: Camera) -> None:
    """Claim, film, look at it, reload, send, answer, get paid; the buyer's copy is a film."""
    agent = house.account()
    bounty = post(house, agent, "Film the roofs from the gate", "0.50", kind="video")
    phone.set_up(house)
    phone.page.get_by_role("link", name="Film the roofs from the gate").click()
    expect(phone.page.get_by_text("5 to 20 seconds")).to_be_visible()
    phone.press("Claim for")
    expect(phone.page.get_by_text("Film for 5 to 20 seconds")).to_be_visible()
    film(phone)
    shown = phone.page.locator("video.shot")
    assert shown.evaluate(
        "(film) => new Promise((seen) => { film.onloadeddata = () => seen(film.videoWidth); film.load(); })"
    )
    phone.page.reload()  # the film is kept on the phone
    phone.press("Use this video")
    phone.answer_number("People in the queue", "2")
    said = phone.page.get_by_text("Accepted, $0.50 paid").or_(
        phone.page.get_by_text("A person is looking at it")
    )
    expect(said).to_be_visible(timeout=VERDICT_WITHIN_MS)
    if phone.page.get_by_text("A person is looking at it").is_visible():
        accept_by_hand(house)
        phone.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(phone.page.get_by_text("Accepted, $0.50 paid")).to_be_visible(timeout=VERDICT_WITHIN_MS)
    seen = observation(house, agent, bounty)
    assert (seen["kind"], seen["answer"]) == ("video", 2)
    [item] = seen["media"]
    assert item["media_type"] in {"video/webm", "video/mp4"}
    headers = {"Authorization": f"Bearer {agent}", "Range": "bytes=0-3"}
    part = httpx2.get(f"{house.url}{item['url']}", headers=headers, timeout=30)
    assert (part.status_code, len(part.content)) == (206, 4)
    order = [request.url.rsplit("/", 1)[1] for request in phone.requests if "/v1/claims/" in request.url]
    assert order == ["commitment", "media", "captures"]
    assert phone.sent("/media")[0].headers["content-type"] in {"video/webm", "video/mp4"}


def test_leaving_in_mid_film_takes_nothing(house: House, phone: Phone, camera: Camera) -> None:
    agent = house.account()
    post(house, agent, "Film the fountain", "0.40", kind="video")
    phone.set_up(house)
    phone.claim("Film the fountain")
    phone.press("pen the camera")
    phone.page.wait_for_function("() => document.querySelector('video')?.videoWidth > 0")
    phone.press("Start filming")
    expect(phone.page.get_by_text("keep filming")).to_be_visible()
    phone.press("Give this task back")
    expect(phone.page.get_by_role("heading", name="Tasks nearby")).to_be_visible()
    assert phone.sent("/commitment") == []


def test_a_refused_video_is_spoken_of_as_one(house: House, phone: Phone) -> None:
    phone.page.goto(house.url)
    told = "async ([code, kind]) => (await import('/words.js')).reason(code, kind).join(' ')"
    assert "Film for at least five seconds" in phone.page.evaluate(told, ["video_too_short", "video"])
    said = phone.page.evaluate(told, ["media_not_as_signed", "video"])
    assert said == "The video changed after it was taken. Send only what this page filmed."
    assert "photo" in phone.page.evaluate(told, ["media_not_as_signed", "photo"])


def test_motion_without_pictures_is_a_burst_the_verifier_reads(house: House, phone: Phone) -> None:
    """Chromium here has no motion sensors: what would be packed is read by the server's own reader."""
    phone.page.goto(house.url)
    rows = [[10 + 0.02 * k, 0.01 * k, 0.0, -0.5, 0.1, 9.8, 0.2] for k in range(50)]
    packed = phone.page.evaluate(
        """async ([rows, from]) => {
            const { packMotion } = await import("/burst.js");
            const file = await packMotion(rows, from);
            return file && [...new Uint8Array(file)];
        }""",
        [rows, 10.6],
    )
    burst = burst_file.read(bytes(packed))
    assert (burst.frames, burst.times) == ((), ())
    lines = burst.motion.split("\n")
    assert lines[0] == "t,gx,gy,gz,ax,ay,az"
    assert lines[1].startswith("-0.5000,0.05000,0.00000,-0.50000,0.10000,9.80000")
    assert lines[-2].startswith("0.3800,")
    none = phone.page.evaluate("async () => (await import('/burst.js')).packMotion([], 1)")
    assert none is None
