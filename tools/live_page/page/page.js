// The page: the prompt in a terminal, and what the server says of the machine. One web socket carries both.
import { Drawing } from "./drawing.js";

const COLUMNS = 80, ROWS = 24, LARGEST = 16, SMALLEST = 7;
const AGAIN_MS = 700, TRIES = 5;
// Colours of letters in the map of memory; owners, who have digits and small letters, take turns.
const FIXED = {
  ".": "var(--free)", "+": "#f0e442", T: "#cc79a7", K: "#56b4e9", H: "#9ad0f5", B: "#7fb3a6", L: "#7fb3a6", M: "#7fb3a6",
  R: "#b39c8f", "-": "transparent", " ": "transparent",
};
const TURNS = ["#009e73", "#e69f00", "#0072b2", "#d55e00", "#f0e442", "#44aa99"];
const byId = (name) => document.getElementById(name);

const terminal = new Terminal({
  cols: COLUMNS, rows: ROWS, scrollback: 5000,
  fontFamily: '"DejaVu Sans Mono", Menlo, Consolas, monospace', theme: { background: "#101216", foreground: "#e6e6e6" },
});
terminal.open(byId("terminal"));
const drawing = new Drawing(byId("drawing"), (page, level) => look(page, level));
let socket, tries = 0, hasConnected = false, ownersAt = "", wantsToFollow = false;

// The terminal has 80 columns at any width: its letters are as large as fit.
function fit() {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `100px ${terminal.options.fontFamily}`;
  const width = byId("console").clientWidth - 30;
  const tallest = window.innerWidth > 1000 ? window.innerHeight * 0.5 / ROWS / 1.2 : LARGEST;
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
  if (state === "ended") ownersAt = "as of the last prompt";
  byId("when").textContent = state === "at the prompt" ? "" : ownersAt;
}

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
  },
  entry: showEntry,
  owners: showOwners,
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
  socket.onclose = () => {
    tries += 1;
    const isOver = tries > TRIES;
    say("gone", isOver ? "`make view` has ended: run it again, and open the new address" : "the connection is lost; trying again");
    if (!isOver) setTimeout(connect, AGAIN_MS);
  };
}

function send(data) {
  if (socket.readyState === WebSocket.OPEN) socket.send(data);
  else heard.refused({ why: "not connected: what you typed is lost" });
}
const encoder = new TextEncoder();
terminal.onData((text) => send(encoder.encode(text)));
terminal.onBinary((text) => send(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));

function look(page, level) {
  wantsToFollow = true;
  send(JSON.stringify({ look: { page, level } }));
}

// What an entry says, the way to it, and where it leads.
function showEntry({ way, below }) {
  const last = way.at(-1), crumbs = element("div", "", { class: "crumbs" });
  for (const step of way) {
    const crumb = element("button", `P${step.level}[${step.index}]`, step === last ? { "aria-current": "true" } : {});
    crumb.onclick = () => look(step.page, step.level);
    crumbs.append(...(crumbs.childNodes.length ? ["→"] : []), crumb);
  }
  const title = element("div");
  title.append(element("span", last.raw, { class: "raw" }), `  at ${last.at}, for ${last.first} and on`);
  const leads = element("div", `leads to: ${last.leads}${last.rights ? `; ${last.rights} over all levels so far` : ""}`);
  const parts = element("div", "", { class: "columns" });
  parts.append(bitsOf(last));
  if (last.is_table) parts.append(entriesBelow(last, below));
  const alarm = last.malformed ? [element("div", "a reserved bit is set: every access faults", { class: "alarm" })] : [];
  byId("entry").replaceChildren(crumbs, title, leads, ...alarm, parts);
  drawing.mark(way);
  if (wantsToFollow) drawing.follow();
  wantsToFollow = false;
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

function entriesBelow(step, below) {
  const part = element("div"), list = element("ul");
  part.append(element("div", below.length ? `the P${step.level - 1} table has:` : `nothing of that table can be followed`));
  for (const { page, level, says } of below) {
    const item = element("li"), button = element("button", says, { "data-level": level });
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
  return cell;
}

// RAM as a map, one letter for `step` frames, as the kernel's `picture` has it.
function showOwners({ why, step, cells, legend, owners }) {
  if (why) {
    ownersAt = `as of an earlier prompt (${why})`;
    byId("when").textContent = ownersAt;
    return;
  }
  ownersAt = "as of the last prompt";
  byId("when").textContent = "";
  const rows = [];
  for (let start = 0; start < cells.length; start += 64) {
    const row = element("div");
    row.append(element("span", `p0x${(start * step * 4096).toString(16)}`.padStart(12) + " ", { class: "where" }));
    for (const [run] of cells.slice(start, start + 64).matchAll(/(.)\1*/g)) row.append(cellOf(run[0], run.length));
    rows.push(row);
  }
  byId("cells").replaceChildren(...rows);
  byId("legend").replaceChildren(element("span", `one letter is ${step * 4} KiB`), ...legend.map(([letter, says]) => {
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

byId("closer").onclick = () => drawing.zoom(1.5);
byId("farther").onclick = () => drawing.zoom(1 / 1.5);
byId("whole").onclick = () => drawing.whole();
byId("start").onclick = () => send(JSON.stringify({ start: true }));
fit();
connect();
terminal.focus();
