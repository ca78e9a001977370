// First use: what this is, what the phone keeps, and enrolment.

import { actionButton } from "../action.js";
import { call } from "../api.js";
import { fill, h } from "../dom.js";
import { enrolment, makeKeys } from "../keys.js";
import { putSelf } from "../store.js";

const POINTS = [
  ["Go and look.", "Each task is a public place, one photo and at most one question. The price and the deadline are on the card."],
  ["Live camera only.", "Photos are taken on this page. A picture from your gallery cannot be sent."],
  ["You stay unnamed.", "The buyer sees the photo, your answer and the rough area. Not who you are."],
  ["Safety first.", "Stay on public ground, mind traffic, and skip any task that feels wrong. Skipping costs nothing."],
];

/** Shows the welcome page. */
export function showWelcome(page, _argument, go) {
  let keys = null;
  let idempotency = null;

  async function enrol() {
    keys ??= await makeKeys();
    idempotency ??= crypto.randomUUID();
    const body = { algorithm: "ES256", kind: "phone", ...(await enrolmentOnce()) };
    const made = await call("POST", "/v1/devices", { body, key: idempotency });
    if (made.key.secret === null) {
      // An earlier answer was lost on its way, and the secret, which is shown once, with it: start over.
      keys = idempotency = proof = null;
      return enrol();
    }
    await putSelf({ keys, secret: made.key.secret, scopes: made.key.scopes, account: made.account.id, device: made.device.id });
    await navigator.storage?.persist?.();
    go("nearby");
  }

  // ES256 signatures differ each time; a retry must send the same body as the first try did.
  let proof = null;
  const enrolmentOnce = async () => (proof ??= await enrolment(keys));

  fill(
    page,
    h("h1", { tabindex: "-1", class: "hero" }, "Take a look for someone. Get paid."),
    h("p", { class: "lead" }, "Someone needs to know what a place looks like right now. You are closer than they are."),
    h("ul", { class: "points" }, POINTS.map(([head, rest]) => h("li", {}, h("strong", {}, head), " ", rest))),
    actionButton("Set up this phone", enrol, { working: "Setting up…" }),
    h(
      "p",
      { class: "fine" },
      "This makes a signing key that stays in this browser and cannot be copied out of it. If you clear the browser's data, the key is gone, and with it any money you have not paid out.",
    ),
  );
}
