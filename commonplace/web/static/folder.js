// A folder as one file: a zip that leaves its files as they are and where they are, so that it is uploaded, and goes on
// after a broken connection, as any other. Only what says how long each file is and what it sums up to is made here.

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});
const IN_UTF8 = 0x800;
const UNDATED = 0x210000; // the first day of 1980, so that the same folder is the same zip
const LARGE = 0xffffffff;

/** @param {File} file */
async function sum(file) {
  let crc = LARGE;
  const reader = file.stream().getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return ~crc >>> 0;
    for (let n = 0; n < value.length; n++) crc = TABLE[(crc ^ value[n]) & 255] ^ (crc >>> 8);
  }
}

/** Numbers of 2, 4 and 8 bytes, the least first. @param {[number, number][]} fields */
function packed(fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((all, [size]) => all + size, 0)));
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 8) view.setBigUint64(at, BigInt(value), true);
    else if (size === 4) view.setUint32(at, value, true);
    else view.setUint16(at, value, true);
    at += size;
  }
  return view.buffer;
}

/** @typedef {{ path: string, file: File }} Entry */

/** What was chosen as a folder, by paths below it. @param {Iterable<File>} files @returns {Entry[]} */
export const below = (files) => [...files].map((file) => ({ path: file.webkitRelativePath.split("/").slice(1).join("/") || file.name, file }));

/** What was dropped as a folder. @param {any} folder @param {string} path @returns {Promise<Entry[]>} */
export async function inside(folder, path = "") {
  const reader = folder.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    for (const one of some) {
      if (one.isDirectory) found.push(...(await inside(one, `${path}${one.name}/`)));
      else found.push({ path: path + one.name, file: await new Promise((resolve, reject) => one.file(resolve, reject)) });
    }
  }
}

/** The files of a folder as one. Each has its path below the folder as its name.
 * @param {string} name @param {Entry[]} entries @param {(done: number) => void} told */
export async function zipped(name, entries, told) {
  const parts = [];
  const index = [];
  let at = 0;
  let done = 0;
  for (const { path, file } of [...entries].sort((one, other) => (one.path < other.path ? -1 : 1))) {
    const crc = await sum(file);
    const title = new TextEncoder().encode(path);
    const common = /** @type {[number, number][]} */ ([[2, IN_UTF8], [2, 0], [4, UNDATED], [4, crc], [4, LARGE], [4, LARGE], [2, title.length]]);
    const local = packed([[4, 0x04034b50], [2, 45], ...common, [2, 20]]);
    const sizes = packed([[2, 1], [2, 16], [8, file.size], [8, file.size]]);
    parts.push(local, title, sizes, file);
    index.push(packed([[4, 0x02014b50], [2, 45], [2, 45], ...common, [2, 28], [2, 0], [2, 0], [2, 0], [4, 0], [4, LARGE]]), title);
    index.push(packed([[2, 1], [2, 24], [8, file.size], [8, file.size], [8, at]]));
    at += local.byteLength + title.length + sizes.byteLength + file.size;
    told((done += 1));
  }
  const size = new Blob(index).size;
  const count = entries.length;
  const end = packed([[4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, count], [8, count], [8, size], [8, at]]);
  const locator = packed([[4, 0x07064b50], [4, 0], [8, at + size], [4, 1]]);
  const last = packed([[4, 0x06054b50], [2, 0], [2, 0], [2, 0xffff], [2, 0xffff], [4, LARGE], [4, LARGE], [2, 0]]);
  return new File([...parts, ...index, end, locator, last], `${name}.zip`);
}
