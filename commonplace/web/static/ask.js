// An answer as it is told. Without this script the same form shows it when it is whole.

const form = /** @type {HTMLFormElement} */ (document.getElementById("ask-form"));
const place = /** @type {HTMLElement} */ (document.getElementById("answer-place"));

/** @param {string} kind @param {string} text */
function line(kind, text) {
  const shown = document.createElement("p");
  shown.className = kind;
  shown.textContent = text;
  place.replaceChildren(shown);
  return shown;
}

/** The events of a reply, as they come. @param {Response} reply */
async function* events(reply) {
  const reader = /** @type {any} */ (reply.body).pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    held = (held + value).replace(/\r\n/g, "\n");
    for (let end = held.indexOf("\n\n"); end >= 0; end = held.indexOf("\n\n")) {
      const lines = held.slice(0, end).split("\n");
      held = held.slice(end + 2);
      const name = lines.find((each) => each.startsWith("event: "))?.slice(7);
      const data = lines.filter((each) => each.startsWith("data: ")).map((each) => each.slice(6)).join("\n");
      if (name) yield { name, data };
    }
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
  button.disabled = true;
  const shown = line("plain", form.dataset.thinking ?? "");
  let said = "";
  try {
    const body = new URLSearchParams(/** @type {any} */ (new FormData(form)));
    const reply = await fetch("/ask/now", { method: "POST", body });
    if (reply.redirected || [401, 403].includes(reply.status)) return form.submit(); // logged out: that page keeps it
    if (!reply.ok) throw new Error(String(reply.status));
    for await (const { name, data } of events(reply)) {
      place.ariaLive = name === "piece" ? "off" : "polite"; // it is read out once, when it is whole
      if (name === "piece") shown.textContent = said += data;
      else if (name === "answer") place.innerHTML = data;
      else if (name === "problem") line("problem", data);
    }
  } catch {
    place.ariaLive = "polite";
    line("problem", form.dataset.wrong ?? "");
  } finally {
    button.disabled = false;
  }
});
