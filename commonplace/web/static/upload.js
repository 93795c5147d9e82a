// Uploads in pieces (tus 1.0): they go on after a broken connection, a reload, or in another browser, from what has
// arrived. Without this script the form sends the same files by itself.

const form = /** @type {HTMLFormElement} */ (document.getElementById("import"));
const chosen = /** @type {HTMLInputElement} */ (document.getElementById("files"));
const shown = /** @type {HTMLElement} */ (document.getElementById("sending"));
const lines = /** @type {HTMLElement} */ (shown?.querySelector("div"));
const status = /** @type {HTMLElement} */ (shown?.querySelector("[role=status]"));
const folder = /** @type {HTMLInputElement} */ (document.getElementById("folder"));
const SPEAKS = { "Tus-Resumable": "1.0.0" };
const PIECE = 64 << 20;
const TRIES = 60;
const SAMPLE = 1 << 16;
const SAMPLES = 5;

/** To those who listen, and once: what is told as it moves is only to be seen. @param {string} text */
function speak(text) {
  if (status.textContent !== text) status.textContent = text;
}

class Refused extends Error {}
class LoggedOut extends Error {}
class NoRoom extends Error {}

/** @param {string} text */
const inBase64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What has arrived of this very file, if anything has: of its name and size, and with the same bytes where they are
 * compared. @param {File} file */
async function known(file) {
  for (const entry of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("li[data-id]"))) {
    if (entry.dataset.name !== file.name || Number(entry.dataset.size) !== file.size) continue;
    const where = `/uploads/${entry.dataset.id}`;
    if (await holds(where, file)) return where;
  }
  return null;
}

/** Whether what has arrived there is the beginning of this file: its ends are compared, and places between them.
 * @param {string} where @param {File} file */
async function holds(where, file) {
  const head = await fetch(where, { method: "HEAD", headers: SPEAKS });
  if (head.status === 404) return false;
  const here = Number((await checked(head)).headers.get("Upload-Offset"));
  const last = Math.max(0, here - SAMPLE);
  for (let n = 0; n < SAMPLES; n++) {
    const at = Math.floor((last * n) / (SAMPLES - 1));
    const headers = { ...SPEAKS, "Upload-Offset": String(at) };
    const reply = await fetch(`${where}/holds`, { method: "POST", headers, body: file.slice(at, Math.min(at + SAMPLE, here)) });
    if (reply.status === 409) return false;
    await checked(reply);
  }
  return true;
}

/** @param {Response} reply */
async function checked(reply) {
  if (reply.ok) return reply;
  if (reply.status === 401) throw new LoggedOut();
  const told = await reply.json().catch(() => ({}));
  if (reply.status >= 400 && reply.status < 500 && ![408, 409, 423, 429].includes(reply.status)) {
    throw new Refused([told.message, told.hint].filter(Boolean).join(" ") || shown.dataset.wrong);
  }
  throw new Error(String(reply.status));
}

/** @param {File} file */
async function create(file) {
  const headers = { ...SPEAKS, "Upload-Length": String(file.size), "Upload-Metadata": `filename ${inBase64(file.name)}` };
  const reply = await checked(await fetch("/uploads", { method: "POST", headers }));
  return /** @type {string} */ (reply.headers.get("Location"));
}

/** @param {string} where @param {File} file @param {number} offset @param {(sent: number) => void} told */
function send(where, file, offset, told) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PATCH", where);
    request.setRequestHeader("Tus-Resumable", "1.0.0");
    request.setRequestHeader("Upload-Offset", String(offset));
    request.setRequestHeader("Content-Type", "application/offset+octet-stream");
    request.upload.onprogress = (event) => told(offset + event.loaded);
    request.onerror = () => reject(new Error("the connection broke"));
    request.onload = () => {
      const told = (() => { try { return JSON.parse(request.responseText); } catch { return {}; } })();
      if (request.status === 204) resolve(Number(request.getResponseHeader("Upload-Offset")));
      else if (request.status === 401) reject(new LoggedOut());
      else if ([413, 415, 507].includes(request.status)) {
        const why = [told.message, told.hint].filter(Boolean).join(" ");
        reject(request.status === 507 ? new NoRoom(why) : new Refused(why));
      }
      else reject(new Error(String(request.status)));
    };
    request.send(file.slice(offset, offset + PIECE));
  });
}

/** Send one file to its end; the id of its upload. @param {File} file */
async function upload(file) {
  const line = document.createElement("p");
  const bar = document.createElement("progress");
  bar.max = file.size || 1;
  bar.setAttribute("aria-label", file.name);
  const words = document.createElement("span");
  line.append(words, bar);
  lines.append(line);
  let started = 0;
  let first = 0;
  /** It goes on from here: how fast is counted from now. @param {number} sent */
  const begins = (sent) => {
    [started, first] = [Date.now(), sent];
    speak(file.name);
    told(sent);
  };
  /** @param {number} sent */
  const told = (sent) => {
    bar.value = sent;
    const speed = (sent - first) / Math.max(1, Date.now() - started) * 1000;
    const left = speed ? ` · ${Math.ceil((file.size - sent) / speed)} s` : "";
    words.textContent = `${file.name}: ${Math.floor(100 * sent / (file.size || 1))} % · ${(speed / 1048576).toFixed(1)} MB/s${left}`;
  };
  /** @type {string | null | undefined} */
  let where;
  let failures = 0;
  for (;;) {
    try {
      if (where === undefined) where = await known(file);
      where ??= await create(file);
      const head = await fetch(where, { method: "HEAD", headers: SPEAKS });
      if (head.status === 404) { where = null; continue; }
      let offset = Number((await checked(head)).headers.get("Upload-Offset"));
      begins(offset);
      do {
        offset = await send(where, file, offset, told);
        failures = 0;
      } while (offset < file.size);
      return /** @type {string} */ (where.split("/").pop());
    } catch (error) {
      const isLoggedOut = error instanceof LoggedOut; // whoever logs in again, in another tab, goes on
      const hasNoRoom = error instanceof NoRoom; // and so does whoever makes room
      if (error instanceof Refused || (!isLoggedOut && !hasNoRoom && ++failures > TRIES)) {
        words.textContent = `${file.name}: ${error instanceof Refused ? error.message : shown.dataset.wrong}`;
        line.className = "problem";
        speak(words.textContent);
        bar.remove();
        throw error;
      }
      words.textContent = `${file.name}: ${isLoggedOut ? shown.dataset.login : hasNoRoom ? error.message : shown.dataset.again}`;
      speak(words.textContent);
      await pause(Math.min(500 * 2 ** failures, 10000));
    }
  }
}

/** A folder as one file. @param {string} name @param {(module: any) => any} look finds its files */
async function asOne(name, look) {
  const line = document.createElement("p");
  shown.hidden = false;
  lines.replaceChildren(line);
  const module = await import(/** @type {string} */ (form.dataset.folder));
  const found = await look(module);
  return module.zipped(name, found, (/** @type {number} */ done) => { line.textContent = `${name}: ${done} / ${found.length}`; });
}

/** Send what was chosen, then ask for the run that imports it. @param {() => Promise<File[]>} choose */
async function sendAll(choose) {
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
  button.disabled = true;
  addEventListener("beforeunload", warn);
  try {
    const files = await choose();
    shown.hidden = false;
    lines.replaceChildren();
    const ids = [];
    for (const file of files) ids.push(await upload(file));
    removeEventListener("beforeunload", warn);
    chosen.disabled = true; // its files are there already
    for (const id of ids) {
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = "upload";
      field.value = id;
      form.append(field);
    }
    form.action = "/import/start";
    form.enctype = "application/x-www-form-urlencoded";
    form.submit();
  } catch {
    removeEventListener("beforeunload", warn);
    button.disabled = false;
  }
}

/** @param {Event} event */
function warn(event) {
  event.preventDefault();
}

if (form) {
  chosen.required = false; // a folder will do
  /** @type {HTMLElement} */ (folder.closest("[hidden]")).hidden = false;
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const files = [...(chosen.files ?? [])];
  const [first] = folder.files ?? [];
  if (!first && !files.length) return chosen.focus();
  const name = first?.webkitRelativePath.split("/")[0];
  sendAll(async () => (name ? [...files, await asOne(name, (module) => module.below(folder.files))] : files));
});

for (const name of ["dragenter", "dragover"]) {
  form?.addEventListener(name, (event) => { event.preventDefault(); form.dataset.over = ""; });
}
form?.addEventListener("dragleave", () => { delete form.dataset.over; });
form?.addEventListener("drop", (event) => {
  event.preventDefault();
  delete form.dataset.over;
  const dropped = /** @type {DataTransfer} */ (/** @type {DragEvent} */ (event).dataTransfer);
  const each = [...dropped.items].map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const folders = each.flatMap(({ entry }) => (entry?.isDirectory ? [entry] : []));
  if (folders.length) {
    const files = each.flatMap(({ entry, file }) => (file && !entry?.isDirectory ? [file] : []));
    sendAll(async () => {
      for (const one of folders) files.push(await asOne(one.name, (module) => module.inside(one)));
      return files;
    });
  } else if (dropped.files.length) {
    chosen.files = dropped.files;
    form.requestSubmit();
  }
});
