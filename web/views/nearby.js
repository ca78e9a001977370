// Tasks around the phone: where it is, how well it knows, and what is asked near it.

import { call } from "../api.js";
import { announce, fill, h } from "../dom.js";
import { centre, direction, metres } from "../geo.js";
import { watchPlace } from "../place.js";
import { dropSelf } from "../store.js";
import { accuracy, distance, howFar, money, moment, problemBox } from "../words.js";

const RADII = [2000, 10000, 50000];
const MOVED = 150; // metres after which the list is asked for again

let radius = RADII[0];

/** The tasks seen last, so that a card opens without asking again. */
export const seen = new Map();

/** Shows the list. */
export function showNearby(page, _argument, go) {
  const where = h("p", { class: "where" }, "Finding your location…");
  const list = h("div", { "aria-live": "polite" });
  const widths = h("div", { class: "segments", role: "group", "aria-label": "How far to look" });
  let askedAt = null;
  let fix = null;
  let shown = null;

  async function load() {
    askedAt = fix;
    list.setAttribute("aria-busy", "true");
    try {
      const found = await call("GET", `/v1/bounties/near?lat=${fix.lat}&lon=${fix.lon}&radius_m=${radius}`);
      const cards = found.items.filter((card) => ["photo", "video"].includes(card.kind));
      for (const card of cards) seen.set(card.id, card);
      const now = JSON.stringify([radius, cards]);
      // Drawn only when it changed, so that a finger or a screen reader on the list is not disturbed.
      if (now !== shown) fill(list, cards.length ? cards.map((card) => cardFor(card, fix)) : nothing());
      shown = now;
    } catch (error) {
      fill(list, problemBox(error), error.status === 401 && forgetMe(go));
      shown = null;
    } finally {
      list.removeAttribute("aria-busy");
    }
  }

  function drawWidths() {
    fill(widths, RADII.map((metresAway) =>
      h("button", { type: "button", "aria-pressed": String(metresAway === radius), onClick: () => choose(metresAway) }, distance(metresAway))));
  }

  function choose(metresAway) {
    radius = metresAway;
    drawWidths();
    announce(`Looking within ${distance(radius)}`);
    if (fix) load();
  }

  drawWidths();
  fill(
    page,
    h("h1", { tabindex: "-1" }, "Tasks nearby"),
    where,
    widths,
    list,
  );
  const stop = watchPlace((now) => {
    fill(where, now.fix ? located(now.fix) : now.refused || "Finding your location…");
    where.classList.toggle("warn", Boolean(now.refused && !now.fix));
    fix = now.fix;
    if (fix && (askedAt === null || metres(askedAt, fix) > MOVED)) load();
  });
  const timer = setInterval(() => { if (fix && !document.hidden) load(); }, 30000);
  return () => {
    stop();
    clearInterval(timer);
  };
}

function located(fix) {
  const rough = fix.accuracy > 100;
  return ["Your location is known to within ", h("strong", {}, accuracy(fix.accuracy)), rough && ". Go outdoors for a better one."];
}

function cardFor(card, fix) {
  const way = direction(fix, centre(card.area));
  return h(
    "a",
    { class: "card", href: `#/bounty/${card.id}` },
    h("div", { class: "card-head" }, h("h2", {}, card.ask), h("p", { class: "reward" }, money(card.reward))),
    h("p", { class: "facts" }, card.kind === "video" && h("span", {}, "Video"), howFar(card.distance_m, way), h("span", {}, `until ${moment(card.closes_at)}`)),
  );
}

function nothing() {
  const wider = radius < RADII.at(-1) ? " Look further away, or try again later." : " Try again later.";
  return h("p", { class: "empty" }, `No open tasks within ${distance(radius)}.`, wider);
}

/** A way out when the server does not know this phone: set it up anew. */
export function forgetMe(go) {
  const forget = async () => {
    await dropSelf();
    go("nearby");
  };
  return h("button", { type: "button", class: "secondary", onClick: forget }, "Set up this phone again");
}
