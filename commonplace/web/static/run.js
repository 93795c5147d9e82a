// A run's page follows the run: events, or asking every two seconds where something between here and there holds events
// back. State is the server's alone; this page only shows it.

const place = /** @type {HTMLElement} */ (document.getElementById("run"));
const address = `/runs/${place.dataset.run}`;
const PATIENCE = 8000;
let heard = Date.now();

/** @param {string} html */
function show(html) {
  heard = Date.now();
  const open = [...place.querySelectorAll("details")].map((each) => each.open);
  place.innerHTML = html;
  place.querySelectorAll("details").forEach((each, index) => { if (index in open) each.open = open[index]; });
}

const events = new EventSource(`${address}/events`);
events.addEventListener("run", (event) => show(event.data));
events.addEventListener("end", () => { events.close(); location.reload(); });

setInterval(async () => {
  if (Date.now() - heard < PATIENCE) return;
  try {
    const reply = await fetch(`${address}/now`);
    if (!reply.ok) return;
    show(await reply.text());
    if (reply.headers.get("x-run-ended") === "yes") location.reload();
  } catch {
    // the server is away; it will come back
  }
}, 2000);
