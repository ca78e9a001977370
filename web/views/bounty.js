// One task in full, before it is claimed: everything a person agrees to.

import { actionButton } from "../action.js";
import { call, newKey } from "../api.js";
import { canAsk, inWords } from "../answer.js";
import { claim, isDone } from "../capture.js";
import { fill, h } from "../dom.js";
import { FILM_SECONDS } from "../film.js";
import { centre, direction, metresOutside } from "../geo.js";
import { lastFix, watchPlace } from "../place.js";
import { allCaptures } from "../store.js";
import { accuracy, howFar, licence, money, moment } from "../words.js";
import { seen } from "./nearby.js";

/** Shows a task. */
export async function showBounty(page, id, go) {
  const card = seen.get(id) ?? (await findCard(id));
  if (!card) {
    fill(page, back(), h("h1", { tabindex: "-1" }, "This task is gone"), h("p", {}, "It was filled, has ended, or is too far away to be shown."));
    return null;
  }
  const mine = (await allCaptures()).find((one) => one.bounty.id === id && !isDone(one));
  const away = h("dd", {}, "…");
  const key = newKey();
  const take = async () => go("work", (await claim(card, key)).claim);
  fill(
    page,
    back(),
    h("p", { class: "reward big" }, money(card.reward)),
    h("h1", { tabindex: "-1" }, card.ask),
    h(
      "dl",
      { class: "terms" },
      term("Where", h("dd", {}, away, mapLink(card.area))),
      term("Until", moment(card.closes_at)),
      card.kind === "video" && term("You film", `${FILM_SECONDS.least} to ${FILM_SECONDS.most} seconds, in one take; sound is not recorded`),
      term("You answer", inWords(card.answer_schema)),
      term("What it is for", card.purpose),
      term("Who may use it", licence(card.licence, card.kind)),
      card.tier > 0 && term("Bring", "Paper and a thick pen: you write a code and put it in the picture."),
    ),
    h("p", { class: "note" }, "Stay on public ground. Leave faces and number plates out where you can. If it feels unsafe, leave it."),
    mine && h("a", { class: "button primary", href: `#/work/${mine.claim}` }, "Continue this task"),
    !mine && canAsk(card.answer_schema) && actionButton(`Claim for ${money(card.reward)}`, take, { working: "Claiming…" }),
    !canAsk(card.answer_schema) && h("p", { class: "note warn" }, "Its question cannot be answered on this page."),
  );
  return watchPlace(({ fix, refused }) => {
    if (!fix) fill(away, refused || "Finding your location…");
    else fill(away, place(card, fix));
  });
}

function place(card, fix) {
  const outside = metresOutside(card.area, fix);
  return `${howFar(outside, direction(fix, centre(card.area)))} (your location: ± ${accuracy(fix.accuracy)})`;
}

async function findCard(id) {
  const fix = lastFix() ?? (await firstFix());
  const found = await call("GET", `/v1/bounties/near?lat=${fix.lat}&lon=${fix.lon}&radius_m=50000`);
  for (const card of found.items) seen.set(card.id, card);
  return seen.get(id);
}

function firstFix() {
  return new Promise((resolve, reject) => {
    let stop = null;
    const settle = (finish) => setTimeout(() => { stop(); finish(); });
    stop = watchPlace(({ fix, refused }) => {
      if (fix) settle(() => resolve(fix));
      else if (refused) settle(() => reject(Object.assign(new Error(refused), { code: "NoLocation", detail: refused, hint: "" })));
    });
  });
}

const term = (name, said) => [h("dt", {}, name), said instanceof Node ? said : h("dd", {}, said)];

const back = () => h("a", { class: "back", href: "#/nearby" }, "Tasks nearby");

/** A link the phone's own map app opens. */
function mapLink(area) {
  const { lat, lon } = centre(area);
  const at = `${lat.toFixed(6)},${lon.toFixed(6)}`;
  return h("a", { class: "map", href: `geo:${at}?q=${at}` }, "Open in maps");
}
