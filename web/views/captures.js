// Everything this phone has photographed, and where each stands.

import { actionButton } from "../action.js";
import { appeal, kindOf, progress, stageOf, tryAgain } from "../capture.js";
import { fill, h } from "../dom.js";
import { allCaptures, changes, dropCapture } from "../store.js";
import { money, moment, problem, reason } from "../words.js";
import { forgetMe } from "./nearby.js";

// stage: [label, tone]
const LABELS = {
  claimed: ["Waiting for you to take it", "todo"],
  "chosen?": ["Saved on this phone, not sent", "todo"],
  answer: ["Waiting for your answer", "todo"],
  lapsed: ["Time ran out", "off"],
  sending: ["Saved on this phone, sending", "busy"],
  submitted: ["Being checked", "busy"],
  examining: ["Being checked", "busy"],
  review: ["A person is looking at it", "busy"],
  accepted: ["Accepted", "good"],
  rejected: ["Not accepted", "bad"],
  appealed: ["Appealed: a person will look again", "busy"],
  upheld: ["Not accepted, after a second look", "bad"],
  revoked: ["Taken back, after a second look", "bad"],
  stuck: ["Not sent", "bad"],
};
const OPEN = new Set(["claimed", "chosen?", "answer", "lapsed"]);

/** Shows the list, and keeps it current. */
export async function showCaptures(page, _argument, go) {
  const list = h("div", { class: "captures" });
  const shares = new Map();
  const items = new Map();
  fill(page, h("h1", { tabindex: "-1" }, "My photos"), list);

  async function draw() {
    const captures = (await allCaptures()).filter((one) => !one.over);
    const kept = captures.map((capture) => itemFor(items, capture, shares, go));
    fill(list, kept.length ? kept : h("p", { class: "empty" }, "Nothing yet. Choose a task nearby and take your first photo."));
  }
  const share = ({ detail }) => {
    shares.set(detail.claim, detail.share);
    const bar = items.get(detail.claim)?.element.querySelector(".upload");
    if (bar) fill(bar, uploading(detail.share));
  };
  changes.addEventListener("captures", draw);
  for (const event of ["online", "offline"]) window.addEventListener(event, draw);
  progress.addEventListener("share", share);
  const timer = setInterval(draw, 5000); // a claim lapses without any event
  await draw();
  return () => {
    changes.removeEventListener("captures", draw);
    for (const event of ["online", "offline"]) window.removeEventListener(event, draw);
    progress.removeEventListener("share", share);
    clearInterval(timer);
    for (const { url } of items.values()) if (url) URL.revokeObjectURL(url);
  };
}

/** The element of a capture; made anew only when its stage changed, so that a half-written appeal stays. */
function itemFor(items, capture, shares, go) {
  const state = [stageOf(capture), capture.mediaSent, capture.result?.paid, navigator.onLine].join(" ");
  const before = items.get(capture.claim);
  if (before?.state === state) return before.element;
  const url = before?.url ?? (capture.thumb ? URL.createObjectURL(new Blob([capture.thumb], { type: "image/jpeg" })) : null);
  const element = item(capture, url, shares.get(capture.claim), go);
  items.set(capture.claim, { state, url, element });
  return element;
}

function item(capture, url, share, go) {
  const stage = stageOf(capture);
  const waits = stage === "sending" && !navigator.onLine;
  const [label, tone] = waits ? ["Saved on this phone, waiting for signal", "busy"] : LABELS[stage] ?? [stage, "busy"];
  const paid = stage === "accepted" && capture.result.paid ? `, ${money(capture.result.paid)} paid` : "";
  return h(
    "article",
    { class: "capture" },
    url ? h("img", { class: "thumb", src: url, alt: "" }) : h("div", { class: "thumb none", "aria-hidden": "true" }),
    h(
      "div",
      { class: "capture-text" },
      h("h2", {}, capture.bounty.ask),
      h("p", { class: `state ${tone}`, role: "status" }, label + paid),
      stage === "sending" && h("p", { class: "upload" }, capture.mediaSent ? `${kindOf(capture) === "video" ? "Video" : "Photo"} arrived` : uploading(share ?? 0)),
      capture.takenAt && h("p", { class: "fine" }, `Taken ${moment(capture.takenAt)}, ${money(capture.bounty.reward)}`),
      OPEN.has(stage) && h("a", { class: "button secondary", href: `#/work/${capture.claim}` }, "Continue"),
    ),
    details(stage, capture, go),
  );
}

function uploading(share) {
  const percent = Math.round(share * 100);
  return [h("progress", { max: 100, value: percent, "aria-label": "Upload" }), ` Uploading ${percent} %`];
}

function details(stage, capture, go) {
  if (["rejected", "upheld", "revoked"].includes(stage)) {
    const reasons = (capture.result.reasons ?? []).map((code) => reason(code, kindOf(capture)));
    return h(
      "div",
      { class: "details" },
      h("ul", { class: "reasons" }, reasons.map(([what, todo]) => h("li", {}, h("strong", {}, what), " ", todo))),
      stage === "rejected" && appealForm(capture),
    );
  }
  if (stage === "stuck") return stuck(capture, go);
  if (stage === "review") return h("p", { class: "details quiet" }, "The checks were not sure. You do not need to do anything.");
  return null;
}

function appealForm(capture) {
  const id = `appeal-${capture.claim}`;
  const words = h("textarea", { id, rows: 3, maxlength: 2000 });
  const fault = h("p", { class: "fault", role: "alert" });
  const send = async () => {
    fault.textContent = words.value.trim() ? "" : "Please say in a few words why.";
    if (words.value.trim()) await appeal(capture, words.value.trim());
    else words.focus();
  };
  return h(
    "details",
    {},
    h("summary", {}, "Appeal"),
    h("label", { for: id }, "Why should a person look again?"),
    words,
    fault,
    actionButton("Send the appeal", send, { working: "Sending…" }),
  );
}

function stuck(capture, go) {
  const { what, todo, code } = problem(capture.problem);
  return h(
    "div",
    { class: "details" },
    h("p", {}, h("strong", {}, what), " ", todo),
    h("p", { class: "fine" }, `Code: ${code}`),
    capture.problem.status === 401 && forgetMe(go),
    h("div", { class: "row" },
      h("button", { type: "button", class: "secondary", onClick: () => tryAgain(capture.claim) }, "Try again"),
      h("button", { type: "button", class: "plain", onClick: () => dropCapture(capture.claim) }, "Remove from this phone")),
  );
}
