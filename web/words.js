// How things are said: money, time, distance, licences, reasons, errors. Returns text, never markup.

import { h } from "./dom.js";

export const money = (amount) => `$${amount}`;

/** "40 m", "1.2 km". */
export function distance(metres) {
  if (metres < 1000) return `${Math.round(metres / 10) * 10 || Math.round(metres)} m`;
  return `${Number((metres / 1000).toFixed(metres < 10000 ? 1 : 0))} km`;
}

/** How far and which way, as seen from where one stands. */
export function howFar(metresAway, way) {
  return metresAway < 1 ? "You are there" : `${distance(metresAway)} ${way}`;
}

/** "12 m": how good a fix is. */
export const accuracy = (metres) => (metres < 100 ? `${Math.max(1, Math.round(metres))} m` : distance(metres));

/** Time left, to the second under an hour: "9:41", "3 h 20 min", "2 days". */
export function timeLeft(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const hours = Math.floor(seconds / 3600);
  if (hours < 48) return `${hours} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(hours / 24)} days`;
}

/** When something ends, as a person says it: "today 17:30". */
export function moment(instant) {
  const when = new Date(instant);
  const clock = when.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  const days = Math.round((midnight(when) - midnight(new Date())) / 86400000);
  if (days === 0) return `today ${clock}`;
  if (days === 1) return `tomorrow ${clock}`;
  if (days === -1) return `yesterday ${clock}`;
  return `${when.toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" })} ${clock}`;
}

const midnight = (when) => new Date(when.getFullYear(), when.getMonth(), when.getDate()).getTime();

const LICENCES = {
  "buyer-only": "Only the buyer may use the photo.",
  "cc-by-4.0": "Anyone may reuse the photo if they name its source (CC BY 4.0).",
  "cc0-1.0": "Anyone may reuse the photo for anything (CC0).",
};

/** What may be done with the photo, in a sentence. */
export const licence = (code, kind = "photo") => called(LICENCES[String(code).toLowerCase()] ?? `Licence: ${code}`, kind);

/** A sentence about a photo, about a video where that is what it is. */
const called = (sentence, kind) => (kind === "video" ? sentence.replace(/\bphotographed\b/g, "filmed").replace(/\bphoto\b/g, "video") : sentence);

// What a contributor is told when a photo is not accepted: [what happened, what to do].
const REASONS = {
  no_position: ["The photo came without a position.", "Allow this page to see your location, and take the photo when it shows one."],
  outside_area: ["The photo was taken outside the place.", "Stand inside the marked area next time, and wait until your location is accurate."],
  place_not_confirmed: ["We could not confirm that the photo was taken at the place.", "Stand well inside it, and wait for an accurate location before you take the photo; being outdoors helps."],
  late_commitment: ["The photo was taken, or reached us, too late.", "Take the photo soon after you claim, and stay where there is signal until it is sent."],
  no_commitment: ["The photo's signature never reached us.", "Keep this page open until the photo is sent."],
  after_deadline: ["The time for this task was over.", "Claim it again if it is still offered."],
  wrong_nonce: ["The photo belongs to another task.", "Claim the task, then take a new photo for it."],
  media_not_as_signed: ["The photo changed after it was taken.", "Send only what this page photographed."],
  bad_signature: ["The signature did not fit the photo.", "Reload this page and take a new photo."],
  undecodable: ["The photo could not be opened.", "Take a new photo; close other apps that use the camera."],
  too_large: ["The photo file is too large.", "Take a new photo with this page's camera."],
  file_refused: ["The photo file did not look as one from this camera should.", "Take a new photo with this page's camera, without filters."],
  session_refused: ["The photo did not fit the claim it was sent for.", "Claim the task again and take a new photo."],
  time_not_confirmed: ["We could not confirm when it was taken.", "Check your phone's clock, then take a new photo."],
  provenance_refused: ["The photo carries signs that it was edited.", "Send a plain photo without edits."],
  challenge_not_seen: ["The code could not be read in the photo.", "Write it large and dark on plain paper, and keep it sharp and well lit in the picture."],
  wrong_pan: ["The phone was not moved in the order shown.", "Follow the arrows one after the other, a good turn each and then a step aside, while it records."],
  scene_not_confirmed: ["We could not confirm that the camera saw the scene itself.", "Stand in front of the real place, step a little to the side with the phone while the paper stays where it is, and do not photograph a screen or a print."],
  not_what_was_asked: ["The photo did not seem to show what was asked.", "Read the task again, and show all of it."],
  device_not_confirmed: ["We could not confirm that this phone made the photo.", "Use the phone you set up, as it came from its maker."],
  video_too_short: ["The video was too short.", "Film for at least five seconds in one take."],
  video_too_long: ["The video was too long.", "Film for at most twenty seconds."],
  copy_of_earlier: ["It looks like a photo that was sent before.", "Take a new photo yourself at the place."],
  not_enough_evidence: ["The photo alone did not show enough to be sure.", "Show more of the surroundings, in focus and in good light."],
  reviewed: ["A person looked at it and did not accept it.", "Read the task again; you can appeal if you think this is wrong."],
  revoked: ["A person looked again after it was accepted, and found it not genuine.", "The reward was still on hold and has gone back to who paid it."],
  examination_failed: ["Something on our side failed while checking it.", "This is not your fault. Please appeal, and a person will look at it."],
  readings_refused: ["The readings did not look as they should.", "Check the instrument and try again."],
  answer_not_confirmed: ["The answer did not fit the photo.", "Look again and answer what the photo shows."],
};

/** A public reason code as [what happened, what to do]. */
export function reason(code, kind = "photo") {
  const said = REASONS[code] ?? [`The checks did not accept it (${code}).`, "You can appeal, and a person will look at it."];
  return said.map((sentence) => called(sentence, kind));
}

const PROBLEMS = {
  Offline: ["No connection.", "What you made is kept on this phone and is sent when there is signal."],
  Unauthenticated: ["The server does not know this phone any more.", "Set this phone up again to go on. Money earned under the old setup stays with it."],
  TooMany: ["That was too fast for the server.", "It will be tried again in a moment."],
  UploadTooSlow: ["The connection was too slow for it.", "It is sent again by itself; go where the signal is better."],
  Unavailable: ["The server is busy.", "It will be tried again by itself."],
  NothingLeft: ["Someone else took the last place on this task.", "Look for another one nearby."],
};

/** An error as { what, todo, code, request }. */
export function problem(error) {
  const code = error.code ?? error.name ?? "Error";
  const [what, todo] = PROBLEMS[code] ?? [sentence(error.detail ?? error.message ?? "Something went wrong"), error.hint ?? ""];
  return { what, todo, code, request: error.requestId ?? "" };
}

/** An error as a box to show. */
export function problemBox(error) {
  const { what, todo, code, request } = problem(error);
  return h(
    "div",
    { class: "problem", role: "alert" },
    h("p", { class: "strong" }, what),
    todo && h("p", {}, todo),
    h("p", { class: "fine" }, `Code: ${code}`, request && `, request ${request}`),
  );
}

function sentence(text) {
  const trimmed = String(text).trim();
  const capital = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
