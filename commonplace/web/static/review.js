// Keys for what stands on the page: each button says its own.

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const at = /** @type {HTMLElement} */ (event.target);
  if (at.matches("input:not([type=checkbox]), select, textarea")) return;
  const key = event.key === "j" ? "s" : event.key;
  const meant = [...document.querySelectorAll("[data-key]")].find((each) => /** @type {HTMLElement} */ (each).dataset.key === key);
  if (!(meant instanceof HTMLElement)) return;
  event.preventDefault();
  meant.click();
});
