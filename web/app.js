// The contributor's page: decides which view is on show, and takes up unfinished captures.

import { useSecret } from "./api.js";
import { resume } from "./capture.js";
import { fill, h } from "./dom.js";
import { getSelf } from "./store.js";
import { showBounty } from "./views/bounty.js";
import { showCaptures } from "./views/captures.js";
import { showEarnings } from "./views/earnings.js";
import { showNearby } from "./views/nearby.js";
import { showWelcome } from "./views/welcome.js";
import { showWork } from "./views/work.js";
import { problemBox } from "./words.js";

const VIEWS = { nearby: showNearby, bounty: showBounty, work: showWork, captures: showCaptures, earnings: showEarnings };
const view = document.getElementById("view");
const tabs = document.getElementById("tabs");

let leave = null;
let turn = 0;

/** Shows the view that the address names. A view gets its element, its argument and `go`; it may return a clean-up. */
async function show() {
  turn += 1;
  const mine = turn;
  leave?.();
  leave = null;
  const self = await getSelf();
  if (mine !== turn) return;
  const [, name, argument] = location.hash.split("/");
  const wanted = self ? VIEWS[name] ?? showNearby : showWelcome;
  useSecret(self?.secret ?? null);
  tabs.hidden = !self || wanted === showWork;
  for (const tab of tabs.querySelectorAll("a")) {
    const here = VIEWS[tab.hash.slice(2)] === wanted;
    if (here) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  const page = h("div", { class: "page" });
  fill(view, page);
  window.scrollTo(0, 0);
  try {
    const cleanUp = await wanted(page, argument, go);
    if (mine === turn) leave = cleanUp ?? null;
    else cleanUp?.();
  } catch (error) {
    if (mine === turn) fill(page, problemBox(error));
  }
  if (mine === turn) page.querySelector("h1")?.focus({ preventScroll: true });
}

/** Goes to a view, e.g. go("work", claim). The same view again is drawn anew. */
function go(name, argument) {
  const hash = `#/${name}${argument ? `/${argument}` : ""}`;
  if (location.hash === hash) show();
  else location.hash = hash;
}

function whole() {
  const missing = [
    [globalThis.isSecureContext && globalThis.crypto?.subtle, "This page must be opened over https, so that the phone can sign."],
    [globalThis.indexedDB, "This browser keeps no data for this page. Leave private mode, or use another browser."],
  ].find(([there]) => !there);
  return missing?.[1];
}

window.addEventListener("hashchange", show);
window.addEventListener("online", resume);
document.addEventListener("visibilitychange", () => { if (!document.hidden) resume(); });

const fault = whole();
if (fault) {
  fill(view, h("p", { class: "problem", role: "alert" }, fault));
} else {
  await show();
  resume();
}
