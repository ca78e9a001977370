// A claimed task: write the code, take the photo, keep it or not, answer, send. One step on show at a time.

import { actionButton } from "../action.js";
import { asksNothing, question } from "../answer.js";
import { serverNow } from "../api.js";
import { allowMotion } from "../burst.js";
import { closeCamera, film, openCamera, record, shoot } from "../camera.js";
import { abandon, answer, choose, kindOf, photoBy, progress, retake, sealMedia, stageOf } from "../capture.js";
import { announce, fill, h } from "../dom.js";
import { FILM_SECONDS } from "../film.js";
import { metresOutside } from "../geo.js";
import { isFresh, lastFix, watchPlace } from "../place.js";
import { getCapture } from "../store.js";
import { accuracy, distance, money, problemBox, timeLeft } from "../words.js";

const MOVE_MS = 1350; // a turn there and back, or a step
const MOVES = {
  L: "Turn the phone a little left ←, and back",
  R: "Turn the phone a little right →, and back",
  U: "Turn the phone a little up ↑, and back",
  D: "Turn the phone a little down ↓, and back",
  "<": "Move the phone a hand's breadth to the left ⇐, and stay there",
  ">": "Move the phone a hand's breadth to the right ⇒, and stay there",
};
const STEPS = { claimed: prepare, "chosen?": preview, answer: ask, lapsed };

/** Shows a claimed task at the step it stands at. */
export async function showWork(page, claim, go) {
  const first = await getCapture(claim);
  if (!first || !STEPS[stageOf(first)]) {
    go("captures");
    return null;
  }
  const step = h("section", { class: "step" });
  const cleanUps = [];

  async function draw(force) {
    for (const cleanUp of cleanUps.splice(0)) cleanUp();
    const capture = await getCapture(claim);
    const stage = force ?? stageOf(capture);
    if (!STEPS[stage]) go("captures");
    else STEPS[stage]({ capture, step, go, draw, later: (cleanUp) => cleanUps.push(cleanUp) });
  }

  const clock = h("p", { class: "clock", role: "timer" });
  fill(
    page,
    h("header", { class: "work-head" }, h("h1", { tabindex: "-1" }, first.bounty.ask), h("p", { class: "reward" }, money(first.bounty.reward)), clock),
    step,
  );
  const tick = setInterval(() => showClock(clock, claim, draw), 500);
  await showClock(clock, claim, draw);
  await draw();
  return () => {
    clearInterval(tick);
    closeCamera();
    for (const cleanUp of cleanUps.splice(0)) cleanUp();
  };
}

async function showClock(clock, claim, draw) {
  const capture = await getCapture(claim);
  const until = capture.chosen ? Date.parse(capture.deadline) : photoBy(capture);
  const left = until - serverNow();
  clock.textContent = left > 0 ? `${timeLeft(left)} left ${capture.chosen ? "to send" : `for the ${kindOf(capture)}`}` : "Time is up";
  clock.classList.toggle("warn", left < 60000);
  if (left <= 0 && !capture.chosen && !clock.dataset.lapsed) {
    clock.dataset.lapsed = "yes";
    draw("lapsed");
  }
}

function prepare({ capture, step, go, later }) {
  const { code, instruction } = capture.challenge;
  fill(
    step,
    code && h("p", { class: "code", "aria-label": `Code: ${[...code].join(" ")}` }, code),
    h("p", { class: "lead" }, instruction),
    code && h("p", { class: "quiet" }, "The code shows that the photo was made now. It must be readable in the picture; an image of it on a screen does not count."),
    actionButton(code ? "I have written it: open the camera" : "Open the camera", () => shooting({ capture, step, go, later }), { working: "Opening the camera…" }),
    giveBack(capture, go),
  );
}

async function shooting({ capture, step, go, later }) {
  const kind = kindOf(capture);
  const video = h("video", { playsinline: true, muted: true, autoplay: true, "aria-label": "Live camera" });
  video.muted = true;
  if (capture.challenge.burst || kind === "video") await allowMotion(); // first: it must follow the tap
  await openCamera(video, kind);
  const where = h("p", { class: "where" });
  const said = h("div");
  const take = kind === "video" ? filming({ video, said, later }) : shooter({ capture, video, said, later });
  const shutter = h("button", { type: "button", class: "shutter", "aria-label": take.label, onClick: press });
  let busy = false;

  async function press() {
    const fix = lastFix();
    if (busy) return take.pressed?.();
    if (!isFresh(fix)) return;
    busy = true;
    try {
      await sealMedia(capture, await take.take(shutter), fix);
      announce(kind === "video" ? "Video taken" : "Photo taken");
      go("work", capture.claim);
    } catch (error) {
      busy = false;
      fill(said, problemBox(error));
    }
  }

  const { code } = capture.challenge;
  fill(
    step,
    h("div", { class: "finder" }, video, code && h("p", { class: "reminder" }, "In the picture: ", h("strong", {}, code))),
    where,
    h("div", { class: "shutter-row" }, shutter),
    said,
    giveBack(capture, go),
  );
  const refresh = () => {
    const fix = lastFix();
    if (!busy) shutter.disabled = !isFresh(fix);
    fill(where, standing(capture, fix));
    where.classList.toggle("warn", !isFresh(fix) || metresOutside(capture.bounty.area, fix) > fix.accuracy);
  };
  later(watchPlace(refresh));
  const timer = setInterval(refresh, 5000);
  later(() => clearInterval(timer));
  shutter.focus();
}

/** Takes a photo, and where it is asked for films around it while it says how to move. */
function shooter({ capture, video, said, later }) {
  const recording = capture.challenge.burst ? record(video) : null;
  later(() => recording?.stop());
  return {
    label: "Take the photo",
    async take() {
      const { photo: media, thumb } = await shoot(video);
      if (!recording) return { media, thumb };
      for (const letter of capture.challenge.pan) {
        fill(said, h("p", { class: "lead", role: "status" }, MOVES[letter]));
        await new Promise((resolve) => { setTimeout(resolve, MOVE_MS); });
      }
      return { media, thumb, burst: await recording.stop() };
    },
  };
}

/** Films from one press to the next, but no shorter and no longer than is asked for. */
function filming({ video, said, later }) {
  let running = null;
  let enough = null;
  later(() => running?.drop());
  return {
    label: "Start filming",
    pressed() {
      if (running?.seconds >= FILM_SECONDS.least) enough?.();
    },
    async take(shutter) {
      running = await film(video);
      const bar = h("progress", { max: FILM_SECONDS.most, value: 0, "aria-label": "Filmed" });
      const told = h("p", { class: "lead" });
      fill(said, told, bar);
      shutter.classList.add("filming");
      await new Promise((resolve) => {
        const timer = setInterval(() => {
          const seconds = running.seconds;
          const ready = seconds >= FILM_SECONDS.least;
          bar.value = seconds;
          told.textContent = ready ? `${Math.floor(seconds)} s. Press again to stop.` : `${Math.floor(seconds)} s. Hold the phone steady, keep filming…`;
          shutter.disabled = !ready;
          shutter.setAttribute("aria-label", "Stop filming");
          if (seconds >= FILM_SECONDS.most) enough();
        }, 100);
        later(() => clearInterval(timer));
        enough = () => { clearInterval(timer); resolve(); };
      });
      const { thumb } = running;
      const taken = { ...(await running.stop()), thumb };
      running = null;
      return taken;
    },
  };
}

function standing(capture, fix) {
  if (!isFresh(fix)) return "Waiting for your location…";
  const outside = metresOutside(capture.bounty.area, fix);
  const known = `Location ± ${accuracy(fix.accuracy)}`;
  if (outside > fix.accuracy) return `${known}. You are ${distance(outside)} outside the place: the ${kindOf(capture)} would not be accepted.`;
  return outside > 0 ? `${known}. You are at the edge of the place; go further in.` : `${known}. You are in the place.`;
}

function preview({ capture, step, draw, later }) {
  closeCamera();
  const url = URL.createObjectURL(new Blob([capture.photo], { type: capture.mediaType ?? "image/jpeg" }));
  later(() => URL.revokeObjectURL(url));
  const { code } = capture.challenge;
  const kind = kindOf(capture);
  const keep = async () => {
    await choose(capture.claim);
    const schema = capture.bounty.answer_schema;
    if (asksNothing(schema)) await answer(capture.claim, question(schema).read().value);
    await draw();
  };
  const again = async () => { await retake(capture.claim); await draw(); };
  fill(
    step,
    kind === "video"
      ? h("video", { class: "shot", src: url, controls: true, playsinline: true, "aria-label": "The video you just took" })
      : h("img", { class: "shot", src: url, alt: "The photo you just took" }),
    h("p", {}, code ? `Is it sharp, and can you read ${code} in it?` : "Is it sharp, and does it show what is asked?"),
    h("p", { class: "quiet" }, "It is signed and saved on this phone. Once you use it, it cannot be changed."),
    actionButton(`Use this ${kind}`, keep),
    actionButton("Take it again", again, { kind: "secondary" }),
  );
}

function ask({ capture, step, go, later }) {
  const form = question(capture.bounty.answer_schema, "What do you see?");
  const url = URL.createObjectURL(new Blob([capture.thumb], { type: "image/jpeg" }));
  later(() => URL.revokeObjectURL(url));
  const state = h("p", { class: "quiet" }, `The ${kindOf(capture)} ${capture.mediaSent ? "has arrived" : "is being sent meanwhile"}.`);
  const tell = ({ detail }) => {
    if (detail.claim === capture.claim) state.textContent = `${kindOf(capture) === "video" ? "Video" : "Photo"}: ${Math.round(detail.share * 100)} % sent.`;
  };
  progress.addEventListener("share", tell);
  later(() => progress.removeEventListener("share", tell));
  const send = async () => {
    const found = form.read();
    if (found.fault) {
      step.querySelector(".faulty input, .faulty textarea")?.focus();
      return;
    }
    await answer(capture.claim, found.value);
    go("captures");
  };
  fill(
    step,
    h("div", { class: "beside" }, h("img", { class: "thumb", src: url, alt: `Your ${kindOf(capture)}` }), state),
    form.element,
    h("p", { class: "quiet" }, "Answer what you see there now. A wrong answer is worth less than none."),
    actionButton("Send", send, { working: "Sending…" }),
  );
}

function lapsed({ capture, step, go }) {
  closeCamera();
  fill(
    step,
    h("p", { class: "problem" }, `The time for this ${kindOf(capture)} is over. Nothing is lost: give the task back, and claim it again if it is still offered.`),
    actionButton("Give it back", async () => { await abandon(capture); go("bounty", capture.bounty.id); }),
  );
}

function giveBack(capture, go) {
  const back = async () => { await abandon(capture); go("nearby"); };
  return actionButton("Give this task back", back, { kind: "plain", working: "Giving it back…" });
}
