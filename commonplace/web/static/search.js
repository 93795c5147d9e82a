// What is found while somebody types. A question that was overtaken by the next one is never shown.

const form = /** @type {HTMLFormElement | null} */ (document.getElementById("ask"));
const typed = /** @type {HTMLInputElement} */ (document.getElementById("q"));
const found = /** @type {HTMLElement} */ (document.getElementById("found"));
const PAUSE = 30; // milliseconds: what is found is there 60 after the search itself
let waiting = 0;
let asking = new AbortController();

async function ask() {
  asking.abort();
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
    history.replaceState(null, "", address);
  } catch {
    // overtaken, or the server is away
  }
}

typed?.addEventListener("input", () => {
  clearTimeout(waiting);
  asking.abort();
  waiting = setTimeout(ask, PAUSE);
});
