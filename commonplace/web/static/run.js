// A run's page follows the run: events, or asking every two seconds where something between here and there holds events
// back. State is the server's alone; this page only shows it.

const place = /** @type {HTMLElement} */ (document.getElementById("run"));
const away = /** @type {HTMLElement} */ (document.getElementById("away"));
const address = `/runs/${place.dataset.run}`;
const PATIENCE = 8000;
let heard = Date.now();

/** Whatever of it the keyboard reaches. */
const reached = () => [.../** @type {NodeListOf<HTMLElement>} */ (place.querySelectorAll("summary, a, [tabindex]"))];

/** What is said stays the same element: of another one nobody would hear that it changed. Who was somewhere in the
 * rest with the keyboard stays there. @param {string} html */
function show(html) {
  heard = Date.now();
  away.hidden = true;
  const at = reached().findIndex((each) => each === document.activeElement);
  const open = [...place.querySelectorAll("details")].map((each) => each.open);
  const made = document.createElement("template");
  made.innerHTML = html;
  const said = /** @type {HTMLElement} */ (place.querySelector("[role=status]"));
  const next = /** @type {HTMLElement} */ (made.content.querySelector("[role=status]"));
  next.remove();
  if (said.innerHTML !== next.innerHTML) said.innerHTML = next.innerHTML;
  while (said.nextSibling) said.nextSibling.remove();
  said.after(made.content);
  place.querySelectorAll("details").forEach((each, index) => { if (index in open) each.open = open[index]; });
  reached()[at]?.focus({ preventScroll: true });
}

const events = new EventSource(`${address}/events`);
events.addEventListener("run", (event) => show(event.data));
events.addEventListener("end", () => { events.close(); location.reload(); });

setInterval(async () => {
  if (Date.now() - heard < PATIENCE) return;
  try {
    const reply = await fetch(`${address}/now`);
    if (reply.status === 401) location.reload(); // to log in again, and then back to here
    away.hidden = reply.ok;
    if (!reply.ok) return;
    show(await reply.text());
    if (reply.headers.get("x-run-ended") === "yes") location.reload();
  } catch {
    away.hidden = false;
  }
}, 2000);
