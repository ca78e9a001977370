// Buttons that do something that may take a while, or fail.

import { h } from "./dom.js";
import { problemBox } from "./words.js";

/** A button that cannot be pressed twice while its work runs, and shows the error if the work fails. */
export function actionButton(label, work, { kind = "primary", working = "One moment…" } = {}) {
  const said = h("div");
  const button = h("button", { type: "button", class: kind }, label);
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    button.textContent = working;
    said.replaceChildren();
    try {
      await work();
    } catch (error) {
      said.replaceChildren(problemBox(error));
      said.scrollIntoView({ block: "nearest" });
    } finally {
      button.removeAttribute("aria-disabled");
      button.textContent = label;
    }
  });
  return h("div", { class: "action" }, button, said);
}
