// The page: the prompt in a terminal, and what the server says of the machine. One web socket carries both.
import { Drawing } from "./drawing.js";

const COLUMNS = 80, ROWS = 24, LARGEST = 16, SMALLEST = 7;
const AGAIN_MS = 700, TRIES = 5, GOING_AWAY = 1001, LONGEST_PASTE = 200 << 10;
// Colours of letters in the map of memory; owners, who have digits and small letters, take turns.
const FIXED = {
  ".": "var(--free)", "+": "#f0e442", T: "#cc79a7", K: "#56b4e9", H: "#9ad0f5", B: "#7fb3a6", L: "#7fb3a6", M: "#7fb3a6",
  R: "#b39c8f", "-": "transparent", " ": "transparent",
};
const TURNS = ["#00a87a", "#e69f00", "#4a9bd1", "#e36d17", "#f0e442", "#44aa99"];
const byId = (name) => document.getElementById(name);

const terminal = new Terminal({
  cols: COLUMNS, rows: ROWS, scrollback: 5000,
  fontFamily: '"DejaVu Sans Mono", Menlo, Consolas, monospace', theme: { background: "#101216", foreground: "#e6e6e6" },
});
terminal.open(byId("terminal"));
const drawing = new Drawing(byId("drawing"), (page, level) => look(page, level));
let socket, tries = 0, hasConnected = false, age = null, wantsToFollow = false;

// The terminal has 80 columns at any width: its letters are as large as fit.
function fit() {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `100px ${terminal.options.fontFamily}`;
  const width = byId("console").clientWidth - 30;
  const tallest = window.innerWidth > 1000 ? window.innerHeight * 0.45 / ROWS / 1.2 : LARGEST;
  const widest = width / COLUMNS / (pen.measureText("M").width / 100);
  terminal.options.fontSize = Math.max(SMALLEST, Math.min(LARGEST, tallest, Math.floor(widest * 4) / 4));
}
new ResizeObserver(fit).observe(byId("console"));
window.addEventListener("resize", fit);

function element(kind, text = "", attributes = {}) {
  const made = document.createElement(kind);
  made.textContent = text;
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  return made;
}

function say(state, text) {
  byId("state").dataset.state = state;
  byId("state").textContent = text;
  byId("start").hidden = state !== "ended";
}

// How old the owners are, if they are not those of now. The kernel tells them, so a busy one does not.
function showAge() {
  const known = age && !age.current && age.since !== null;
  const old = known ? `as they were ${Math.round((Date.now() - age.since) / 1000)} s ago` : "";
  byId("when").textContent = [old, age?.why].filter(Boolean).join(": ");
}
setInterval(showAge, 1000);

const heard = {
  state({ state, why }) {
    const words = { ended: `the machine has ended: ${why}. Its tables are as it left them`, busy: "a line runs" };
    say(state, words[state] ?? (state === "at the prompt" ? "the kernel is at the prompt" : "the machine starts"));
  },
  restarted() {
    byId("notice").textContent = "";
    byId("cells").replaceChildren();
    byId("owners").replaceChildren();
    byId("legend").replaceChildren();
  },
  drawing({ svg, changes, cr3 }) {
    drawing.show(svg);
    byId("root").textContent = `CR3 ${cr3}`;
    byId("changes").textContent = changes ? `the last command changed ${changes} ${changes === 1 ? "place" : "places"}` : "";
    byId("changes").hidden = !changes;
  },
  entry: showEntry,
  owners: showOwners,
  age({ current, why, seconds }) {
    age = { current, why, since: seconds === null ? null : Date.now() - seconds * 1000 };
    showAge();
  },
  refused({ why }) {
    byId("notice").textContent = why;
    setTimeout(() => { byId("notice").textContent = ""; }, 6000);
  },
};

function connect() {
  const live = new URL("live", location.href);
  live.protocol = "ws:";
  socket = new WebSocket(live);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    if (hasConnected) terminal.reset();
    hasConnected = true;
    tries = 0;
  };
  socket.onmessage = ({ data }) => {
    if (typeof data !== "string") return terminal.write(new Uint8Array(data));
    const message = JSON.parse(data);
    heard[message.kind]?.(message);
  };
  socket.onclose = ({ code }) => {
    tries += 1;
    const isOver = code === GOING_AWAY || tries > TRIES;
    say("gone", isOver ? "`make view` has ended: run it again, and open the new address" : "the connection is lost; trying again");
    if (!isOver) setTimeout(connect, AGAIN_MS);
  };
}

function send(data) {
  if (socket.readyState === WebSocket.OPEN) socket.send(data);
  else heard.refused({ why: "not connected: what you typed is lost" });
}
const encoder = new TextEncoder();
terminal.onData((text) => {
  const typed = encoder.encode(text);
  if (typed.length > LONGEST_PASTE) heard.refused({ why: `nothing of this was typed: ${LONGEST_PASTE >> 10} KiB can be pasted at once` });
  else send(typed);
});
terminal.onBinary((text) => send(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));

function look(page, level) {
  wantsToFollow = true;
  send(JSON.stringify({ look: { page, level } }));
}

// Look at what an address goes through: v0x…, 0x…, or as a number.
byId("finder").onsubmit = (event) => {
  event.preventDefault();
  const text = byId("address").value.trim().replaceAll("_", "").replace(/^v/, "");
  const isAddress = /^(0x[0-9a-f]{1,16}|[0-9]{1,19})$/i.test(text);
  byId("mistake").textContent = isAddress ? "" : "an address is wanted, as in 0xffffc00000900000";
  if (isAddress) look((BigInt(text) >> 12n).toString(16), 1);
};

// What an entry says, the way to it, and where it leads; without one, what the root has. The focus stays where it was.
function showEntry(message) {
  const held = byId("found").contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  byId("found").replaceChildren(...partsOf(message));
  const again = held && (byId("found").querySelector(`[data-key="${held}"]`) ?? byId("found").querySelector("[aria-current]"));
  again?.focus({ preventScroll: true });
  drawing.mark(message.way);
  if (wantsToFollow) drawing.follow();
  wantsToFollow = false;
}

function partsOf({ way, below }) {
  const last = way.at(-1), crumbs = element("nav", "", { class: "crumbs", "aria-label": "The way" });
  const root = element("button", "CR3", { "data-key": "root", ...(last ? {} : { "aria-current": "true" }) });
  root.onclick = () => send(JSON.stringify({ look: null }));
  crumbs.append(root);
  for (const step of way) {
    const attributes = { "data-key": `way ${step.level}`, ...(step === last ? { "aria-current": "true" } : {}) };
    const crumb = element("button", `P${step.level}[${step.index}]`, attributes);
    crumb.onclick = () => look(step.page, step.level);
    crumbs.append("→", crumb);
  }
  if (!last) return [crumbs, element("p", "Click an entry, here or in the drawing: what its bits mean, and what it leads to.", { class: "hint" }), entriesBelow("root", below)];
  const title = element("div");
  title.append(element("span", last.raw, { class: "raw" }), `  at ${last.at}, for ${last.first} and on`);
  const leads = element("div", `leads to: ${last.leads}${last.rights ? `; ${last.rights} over all levels so far` : ""}`);
  const parts = element("div", "", { class: "columns" });
  parts.append(bitsOf(last));
  if (last.is_table) parts.append(entriesBelow(`P${last.level - 1} table`, below));
  const alarm = last.malformed ? [element("div", "a reserved bit is set: every access faults", { class: "alarm" })] : [];
  return [crumbs, title, leads, ...alarm, parts];
}

function bitsOf(step) {
  const table = element("table");
  for (const { bits, name, says, value } of step.meanings) {
    const row = table.insertRow();
    row.className = value ? "on" : "off";
    row.append(element("td", bits), element("td", name, { class: "name" }), element("td", String(value)), element("td", says));
  }
  return table;
}

function entriesBelow(name, below) {
  const part = element("div"), list = element("ul");
  part.append(element("div", below.length ? `the ${name} has:` : "nothing of that table can be followed"));
  for (const { page, level, says } of below) {
    const item = element("li"), button = element("button", says, { "data-level": level, "data-key": `below ${level} ${page}` });
    button.onclick = () => look(page, level);
    item.append(button);
    list.append(item);
  }
  part.append(list);
  return part;
}

function colourOf(letter) {
  if (FIXED[letter]) return FIXED[letter];
  return TURNS[parseInt(letter, 36) % TURNS.length];
}

function cellOf(letter, count = 1) {
  const cell = element("i", letter.repeat(count));
  cell.style.background = colourOf(letter);
  if (cell.style.background === "transparent") cell.style.color = "inherit";
  return cell;
}

// So many KiB in the largest unit that has no fraction.
function sizeOf(count, units = ["KiB", "MiB", "GiB", "TiB"]) {
  return count % 1024 || units.length === 1 ? `${count} ${units[0]}` : sizeOf(count / 1024, units.slice(1));
}

// RAM as a map, one letter for `step` frames, as the kernel's `picture` has it.
function showOwners({ step, cells, legend, owners }) {
  const rows = [], address = (place) => `p0x${(place * step * 4096).toString(16)}`;
  for (let start = 0; start < cells.length; start += 64) {
    const row = element("div"), where = address(start).padStart(address(cells.length).length);
    row.append(element("span", `${where} `, { class: "where" }));
    for (const [run] of cells.slice(start, start + 64).matchAll(/(.)\1*/g)) row.append(cellOf(run[0], run.length));
    rows.push(row);
  }
  byId("cells").replaceChildren(...rows);
  byId("legend").replaceChildren(element("span", `one letter is ${sizeOf(step * 4)}`), ...legend.map(([letter, says]) => {
    const item = element("span");
    item.append(cellOf(letter), ` ${says}`);
    return item;
  }));
  const table = element("table");
  for (const owner of owners) {
    const row = table.insertRow();
    row.append(element("td"), ...owner.slice(1).map((text) => element("td", text)));
    row.cells[0].append(cellOf(owner[0]));
  }
  byId("owners").replaceChildren(table);
}

terminal.attachCustomKeyEventHandler((event) => !(event.key === "Tab" && event.shiftKey));
byId("changes").onclick = () => drawing.nextChange();
byId("closer").onclick = () => drawing.zoom(1.5);
byId("farther").onclick = () => drawing.zoom(1 / 1.5);
byId("whole").onclick = () => drawing.whole();
byId("start").onclick = () => send(JSON.stringify({ start: true }));
fit();
connect();
terminal.focus();
