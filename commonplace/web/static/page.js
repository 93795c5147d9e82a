// What every page has: buttons that copy, and forms that ask before they do something that cannot be taken back.

/** Into the clipboard, and whether it is there; over plain http browsers have none for scripts, and copy what is
 * selected. @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // there is none, or it is not for us
  }
  const held = document.createElement("textarea");
  held.value = text;
  held.className = "unseen";
  document.body.append(held);
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  held.select();
  const is_there = document.execCommand("copy");
  held.remove();
  before?.focus();
  return is_there;
}

document.addEventListener("click", async (event) => {
  const button = /** @type {HTMLElement} */ (event.target).closest("button[data-copy]");
  if (!(button instanceof HTMLElement)) return;
  const source = button.dataset.copy ? document.getElementById(button.dataset.copy) : button.closest("figure")?.querySelector("code");
  if (!source) return;
  if (!(await copy(source.textContent ?? ""))) return getSelection()?.selectAllChildren(source); // for Ctrl+C
  const before = button.textContent;
  button.textContent = button.dataset.done ?? before;
  setTimeout(() => { button.textContent = before; }, 1500);
});

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const asks = /** @type {HTMLButtonElement | null} */ (event.submitter)?.name === "look"; // it only looks
  if (!asks && form.dataset.sure && !confirm(form.dataset.sure)) event.preventDefault();
});

// Choices that show at once what they choose.
document.addEventListener("change", (event) => {
  const field = /** @type {HTMLElement} */ (event.target);
  if (field instanceof HTMLSelectElement && field.dataset.now !== undefined) field.form?.requestSubmit();
});

// On a narrow page the rooms lie in a line: the one that this is comes into view.
const here = document.querySelector(".rooms [aria-current]");
const line = here?.closest("nav");
if (here instanceof HTMLElement && line) line.scrollLeft = here.offsetLeft - (line.clientWidth - here.offsetWidth) / 2;

// Code gets a button that copies it.
for (const figure of document.querySelectorAll("figure.code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet copy";
  button.dataset.copy = "";
  button.textContent = document.documentElement.dataset.copy ?? "Copy";
  button.dataset.done = document.documentElement.dataset.copied ?? "Copied";
  figure.append(button);
}
