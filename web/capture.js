// A capture from claim to verdict. Each step is stored before the next, so a reload or a dead spot resumes it.
//
// Fields of a stored capture:
//   claim, bounty (the card), deadline, challenge         since the claim
//   photo (or film: its bytes), mediaType, burst (a ZIP, or null), thumb, sha256,
//   burstSha256, takenAt, place, statement,
//   commitment, signature                                 since the shutter: hashed and signed there and then
//   chosen                                                the person keeps this photo: it is sent from here on
//   committedAt, mediaSent, burstSent, answered, answer, id, result  as the server takes each part
//   keys                                                  one idempotency key a request, the same on each retry
//   problem                                               why it cannot go on by itself
//   over                                                  "abandoned" when given back

import { call, newKey, Problem, put, serverNow } from "./api.js";
import { commit, hex, sha256 } from "./keys.js";
import { addCapture, allCaptures, amend, getCapture, getSelf } from "./store.js";

/** Fires with a claim as `detail.claim`, and `detail.share` 0..1, while a photo or video uploads. */
export const progress = new EventTarget();

const FINAL = new Set(["accepted", "rejected", "upheld", "revoked"]);
const running = new Set();

/** Claims a bounty for this phone. */
export async function claim(card, key) {
  const self = await getSelf();
  const claimed = await call("POST", `/v1/bounties/${card.id}/claims`, { body: { device: self.device }, key });
  const capture = {
    claim: claimed.id,
    bounty: card,
    deadline: claimed.deadline,
    challenge: claimed.challenge,
    keys: { commitment: newKey(), media: newKey(), burst: newKey(), capture: newKey(), appeal: newKey(), abandon: newKey() },
  };
  await addCapture(capture);
  return capture;
}

/** When the photo must be taken by, in server milliseconds: the code goes stale before the claim does. */
export function photoBy(capture) {
  const { issued_at: issued, max_freshness_s: freshness } = capture.challenge;
  return Math.min(Date.parse(capture.deadline), Date.parse(issued) + freshness * 1000);
}

/** "video" or "photo": what a capture's task asks for, as people call it too. */
export const kindOf = (capture) => (capture.bounty.kind === "video" ? "video" : "photo");

/** Hashes and signs a photo or film the moment it is taken. Nothing is sent yet. */
export async function sealMedia(capture, { media: photo, mediaType = "image/jpeg", thumb, burst = null }, fix) {
  const self = await getSelf();
  const takenAt = new Date().toISOString();
  const digest = hex(await sha256(photo));
  const burstDigest = burst && hex(await sha256(burst));
  const statement = JSON.stringify({
    v: 1,
    kind: kindOf(capture),
    claim: capture.claim,
    device: self.device,
    nonce: capture.challenge.nonce,
    sha256: digest,
    ...(burst && { burst: burstDigest }),
    taken_at: takenAt,
    lat: fix.lat,
    lon: fix.lon,
    accuracy_m: fix.accuracy,
  });
  const signed = await commit(self.keys, statement);
  return amend(capture.claim, { photo, mediaType, thumb, burst, sha256: digest, burstSha256: burstDigest, takenAt, place: fix, statement, ...signed });
}

/** Throws the photo away; only before it was chosen. */
export const retake = (claim) => amend(claim, { photo: null, burst: null, thumb: null, sha256: null, statement: null });

/** Keeps the photo and starts sending: the signed commitment first, then the bytes. */
export async function choose(claim) {
  await amend(claim, { chosen: true });
  drive(claim);
}

/** Stores the answer; the capture goes off when photo and answer are both there. */
export async function answer(claim, value) {
  await amend(claim, { answered: true, answer: value });
  drive(claim);
}

/** Gives a claim back, so that someone else can take it. */
export async function abandon(capture) {
  try {
    await call("POST", `/v1/claims/${capture.claim}/abandon`, { key: capture.keys.abandon });
  } catch (error) {
    if (error.again || error.status === 401) throw error; // otherwise the claim is over already: same end
  }
  await amend(capture.claim, { over: "abandoned", photo: null, burst: null });
}

/** Asks a person to look again at a rejection. */
export async function appeal(capture, statement) {
  const result = await call("POST", `/v1/captures/${capture.id}/appeal`, {
    body: { statement },
    key: capture.keys.appeal,
  });
  await amend(capture.claim, { result: result ?? { ...capture.result, status: "appealed" } });
  drive(capture.claim);
}

/** Where a capture stands, as one word. */
export function stageOf(capture) {
  if (capture.over) return "given-back";
  if (capture.problem) return "stuck";
  if (capture.id) return capture.result?.status ?? "submitted";
  if (capture.chosen) return capture.answered ? "sending" : "answer";
  if (serverNow() > photoBy(capture)) return "lapsed";
  return capture.photo ? "chosen?" : "claimed";
}

/** Whether nothing more will happen to it by itself. */
export const isDone = (capture) =>
  Boolean(capture.over || capture.problem || (capture.id && FINAL.has(capture.result?.status)));

/** Takes up everything unfinished: at start, when the network is back, when the page is shown again. */
export async function resume() {
  for (const capture of await allCaptures()) if (!isDone(capture) && capture.chosen) drive(capture.claim);
}

/** Tries a capture again that got stuck. */
export async function tryAgain(claim) {
  await amend(claim, { problem: null });
  drive(claim);
}

function drive(claim) {
  if (running.has(claim)) return;
  running.add(claim);
  // One tab at a time works on a capture; the idempotency keys make two harmless, not useful.
  const work = () => steps(claim).finally(() => running.delete(claim));
  if (navigator.locks) navigator.locks.request(`capture ${claim}`, work);
  else work();
}

async function steps(claim) {
  let wait = 1000;
  for (;;) {
    const capture = await getCapture(claim);
    const step = capture && nextStep(capture);
    if (!step) return;
    try {
      const pause = await step(capture);
      wait = 1000;
      if (pause) await rest(pause);
    } catch (error) {
      if (!(error instanceof Problem) || !error.again) {
        const problem = error instanceof Problem ? error.plain() : { code: error.name, detail: error.message, hint: "" };
        await amend(claim, { problem });
        return;
      }
      await rest(Math.max(wait, error.retryAfter * 1000));
      wait = Math.min(wait * 2, 30000);
    }
  }
}

function nextStep(capture) {
  if (isDone(capture) || !capture.chosen) return null;
  if (!capture.committedAt) return sendCommitment;
  if (!capture.mediaSent) return sendMedia;
  if (capture.burst && !capture.burstSent) return sendBurst;
  if (!capture.answered) return null; // answer() starts the next drive
  if (!capture.id) return sendCapture;
  return askVerdict;
}

async function sendCommitment({ claim, commitment, signature, keys }) {
  const body = { commitment, signature };
  const taken = await call("POST", `/v1/claims/${claim}/commitment`, { body, key: keys.commitment });
  await amend(claim, { committedAt: taken.received_at });
}

async function sendMedia({ claim, photo, mediaType = "image/jpeg", sha256: expected, keys }) {
  const tell = (share) => progress.dispatchEvent(new CustomEvent("share", { detail: { claim, share } }));
  tell(0);
  const taken = await put(`/v1/claims/${claim}/media`, photo, mediaType, keys.media, tell);
  if (taken.sha256 !== expected) throw new Problem({ status: 503, code: "Garbled", detail: "it arrived changed" });
  await amend(claim, { mediaSent: true });
}

async function sendBurst({ claim, burst, burstSha256: expected, keys }) {
  const taken = await put(`/v1/claims/${claim}/burst`, burst, "application/zip", keys.burst, () => {});
  if (taken.sha256 !== expected) throw new Problem({ status: 503, code: "Garbled", detail: "the burst arrived changed" });
  await amend(claim, { burstSent: true });
}

async function sendCapture({ claim, statement, signature, answer: value, keys }) {
  const body = { statement, signature, answer: value };
  const result = await call("POST", `/v1/claims/${claim}/captures`, { body, key: keys.capture });
  await amend(claim, { id: result.id, result, photo: null, burst: null }); // the server has it now; the small one stays
}

async function askVerdict({ claim, id, result }) {
  const now = await call("GET", `/v1/captures/${id}`);
  if (now.status !== result?.status || now.paid !== result?.paid) await amend(claim, { result: now });
  if (FINAL.has(now.status)) return 0;
  // A machine's verdict takes seconds, a person's hours.
  return ["review", "appealed"].includes(now.status) ? 30000 : 1500;
}

/** Waits, but not past the moment the network comes back or the page is shown. */
function rest(milliseconds) {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      window.removeEventListener("online", wake);
      document.removeEventListener("visibilitychange", wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    window.addEventListener("online", wake);
    document.addEventListener("visibilitychange", wake);
  });
}
