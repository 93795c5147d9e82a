// What is found while somebody types. A question that was overtaken by the next one is never shown.

const form = /** @type {HTMLFormElement | null} */ (document.getElementById("ask"));
const typed = /** @type {HTMLInputElement} */ (document.getElementById("q"));
const found = /** @type {HTMLElement} */ (document.getElementById("found"));
const kept = /** @type {HTMLInputElement} */ (document.getElementById("saved-query"));
const PAUSE = 30;
const LONGER = 120; // for who types faster than is found: what is overtaken is still being looked for there
let isAsking = false;
let waiting = 0;
let asking = new AbortController();

async function ask() {
  asking.abort();
  isAsking = true;
  const { signal } = (asking = new AbortController());
  const values = new URLSearchParams(/** @type {any} */ (new FormData(/** @type {HTMLFormElement} */ (form))));
  const address = `/conversations?${values}`;
  try {
    const reply = await fetch(address, { headers: { "x-part": "found" }, signal });
    if (reply.redirected) return location.assign(address); // the session is over
    if (!reply.ok) return;
    const html = await reply.text();
    if (signal.aborted) return; // its own: the next question has another
    found.innerHTML = html;
    kept.value = String(values);
    history.replaceState(null, "", address);
  } catch {
    // overtaken, or the server is away
  } finally {
    if (!signal.aborted) isAsking = false;
  }
}

typed?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(ask, isAsking ? LONGER : PAUSE);
  asking.abort();
});
