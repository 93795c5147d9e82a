// What is found while somebody types. A question that was overtaken by the next one is never shown.

const form = /** @type {HTMLFormElement | null} */ (document.getElementById("ask"));
const typed = /** @type {HTMLInputElement} */ (document.getElementById("q"));
const found = /** @type {HTMLElement} */ (document.getElementById("found"));
const kept = /** @type {HTMLInputElement} */ (document.getElementById("saved-query"));
const beside = /** @type {HTMLElement} */ (document.getElementById("facets"));
const OVERTAKING = 40; // ms: what is overtaken is still being looked for there, so who types faster than that asks less often
const SETTLED = 400; // ms without a letter: what stands beside the list is worth counting again
const AGAIN = 5; // seconds until who did not answer is asked again
let isAsking = false;
let waiting = 0;
let settling = 0;
let asking = new AbortController();

/** Whoever was asked has no time: after so many seconds it may have. */
class Busy extends Error {
  /** @param {Response} reply */
  constructor(reply) {
    super();
    this.seconds = Number(reply.headers.get("retry-after")) || AGAIN;
  }
}

/** A part of the page for what is asked for; none where it was overtaken. @param {string} address @param {string} name @param {AbortSignal} signal */
async function part(address, name, signal) {
  const reply = await fetch(address, { headers: { "x-part": name }, signal });
  if ([429, 502, 503, 504].includes(reply.status)) throw new Busy(reply);
  const isPart = reply.ok && !reply.redirected;
  if (!isPart) location.assign(address); // the session is over, or a page says what is wrong
  const html = isPart ? await reply.text() : null;
  return signal.aborted ? null : html; // its own signal: the next question has another
}

/** Ask again once that may help. @param {unknown} error @param {() => void} ask */
function later(error, ask) {
  return setTimeout(ask, (error instanceof Busy ? error.seconds : AGAIN) * 1000);
}

async function ask() {
  asking.abort();
  isAsking = true;
  const { signal } = (asking = new AbortController());
  const values = new URLSearchParams(/** @type {any} */ (new FormData(/** @type {HTMLFormElement} */ (form))));
  const address = `/conversations?${values}`;
  try {
    const html = await part(address, "found", signal);
    if (html === null) return;
    show(html);
    found.removeAttribute("aria-busy");
    kept.value = String(values);
    history.replaceState(null, "", address);
    settling = setTimeout(() => count(address, signal), SETTLED);
  } catch (error) {
    if (!signal.aborted) waiting = later(error, ask); // else overtaken
  } finally {
    if (!signal.aborted) isAsking = false;
  }
}

/** How many there are stays the same element: of another one nobody would hear that it changed. @param {string} html */
function show(html) {
  const made = document.createElement("template");
  made.innerHTML = html;
  const said = found.querySelector(":scope > [role=status]");
  const next = made.content.querySelector("[role=status]");
  if (!said || !next) return found.replaceChildren(made.content);
  said.innerHTML = next.innerHTML;
  next.remove();
  for (const other of [...found.childNodes]) if (other !== said) other.remove();
  said.after(made.content);
}

/** What it can be narrowed by, of what was found last. @param {string} address @param {AbortSignal} signal */
async function count(address, signal) {
  try {
    const html = await part(address, "facets", signal);
    if (html === null) return;
    beside.innerHTML = html;
    beside.removeAttribute("aria-busy");
  } catch (error) {
    if (!signal.aborted) settling = later(error, () => count(address, signal));
  }
}

typed?.addEventListener("input", () => {
  clearTimeout(waiting);
  clearTimeout(settling);
  asking.abort();
  for (const each of [found, beside]) each.setAttribute("aria-busy", "true"); // it is of another question
  if (isAsking) waiting = setTimeout(ask, OVERTAKING);
  else ask();
});
