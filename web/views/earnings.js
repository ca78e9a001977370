// What the phone has earned, and paying it out.

import { actionButton } from "../action.js";
import { call, newKey } from "../api.js";
import { announce, fill, h } from "../dom.js";
import { getSelf } from "../store.js";
import { money, problemBox } from "../words.js";
import { forgetMe } from "./nearby.js";

const ROWS = [
  ["payable", "Ready to pay out", ""],
  ["pending", "Earned, on hold", "Larger rewards are held for a while before they can be paid out."],
  ["in_payout", "On its way to you", ""],
];
const SAID = { new: "started", sent: "sent", unknown: "being confirmed", done: "done", failed: "failed" };

/** Shows balances. */
export async function showEarnings(page, _argument, go) {
  const sums = h("div");
  fill(page, h("h1", { tabindex: "-1" }, "Earnings"), sums);
  let key = newKey();

  async function draw(note) {
    try {
      const [me, self] = [await call("GET", "/v1/me"), await getSelf()];
      const { payable } = me.balances;
      const pay = async () => {
        const operation = await call("POST", "/v1/payouts", { body: { amount: payable }, key });
        key = newKey();
        announce("Payout requested");
        await draw(`Payout of ${money(operation.amount)}: ${SAID[operation.status] ?? operation.status}.`);
      };
      fill(
        sums,
        ROWS.map(([name, label, more]) => row(me.balances[name] ?? "0.00", label, more)),
        note && h("p", { class: "note", role: "status" }, note),
        Number(payable) > 0 && self.scopes?.includes("money") && actionButton(`Pay out ${money(payable)}`, pay),
        h("p", { class: "fine" }, "Account ", h("code", {}, me.account.id)),
      );
    } catch (error) {
      fill(sums, problemBox(error), error.status === 401 && forgetMe(go));
    }
  }

  await draw();
  const timer = setInterval(() => { if (!document.hidden) draw(); }, 15000);
  return () => clearInterval(timer);
}

function row(amount, label, more) {
  return h("div", { class: "sum" }, h("div", {}, h("p", {}, label), more && h("p", { class: "fine" }, more)), h("p", { class: "amount" }, money(amount)));
}
