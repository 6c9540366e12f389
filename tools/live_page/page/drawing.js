// The drawing: shown, zoomed, dragged, clicked. The SVG comes from the server (tools/drawing.py).

const CLOSER = 1.25, LEAST = 0.02, MOST = 3, DRAGGED = 4;

export class Drawing {
  // place: the element to show it in. choose(page, level) is called for an entry that was clicked.
  constructor(place, choose) {
    this.place = place;
    this.choose = choose;
    this.box = null;
    this.way = [];
    this.shown = 0;
    place.addEventListener("wheel", (event) => this.turned(event), { passive: false });
    place.addEventListener("pointerdown", (event) => this.pressed(event));
    place.addEventListener("pointermove", (event) => this.moved(event));
    place.addEventListener("pointerup", (event) => this.released(event));
    place.addEventListener("pointercancel", () => { this.press = null; });
    place.addEventListener("keydown", (event) => this.typed(event));
    new ResizeObserver(() => this.resized()).observe(place);
  }

  // Show another SVG where the last one was: neither zoom nor place change.
  show(text) {
    const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
    this.svg = document.importNode(parsed.documentElement, true);
    const [, , width, height] = this.svg.getAttribute("viewBox").split(" ").map(Number);
    this.size = { width, height };
    this.place.replaceChildren(this.svg);
    if (this.box === null) this.whole(); else this.look(this.box);
    this.mark(this.way);
  }

  look(box) {
    this.box = box;
    this.svg.setAttribute("viewBox", `${box.x} ${box.y} ${box.width} ${box.height}`);
    this.svg.setAttribute("preserveAspectRatio", "xMinYMin meet");
  }

  // All of its width, from the top; or all of it if it is wider than high, as the place is.
  whole() {
    const shape = this.place.clientHeight / Math.max(this.place.clientWidth, 1);
    this.isWhole = true;
    this.look({ x: 0, y: 0, width: this.size.width, height: this.size.width * shape });
  }

  resized() {
    if (!this.svg) return;
    if (this.isWhole) return this.whole();
    const shape = this.place.clientHeight / Math.max(this.place.clientWidth, 1);
    this.look({ ...this.box, height: this.box.width * shape });
  }

  // Zoom by a factor; x and y, from 0 to 1, are where the drawing stays.
  zoom(factor, x = 0.5, y = 0.5) {
    const { box } = this;
    const width = Math.min(Math.max(box.width / factor, this.size.width * LEAST), this.size.width * MOST);
    const height = box.height * width / box.width;
    this.isWhole = false;
    this.look({ x: box.x + (box.width - width) * x, y: box.y + (box.height - height) * y, width, height });
  }

  shift(x, y) {
    this.isWhole = false;
    this.look({ ...this.box, x: this.box.x + x, y: this.box.y + y });
  }

  get unit() { return this.box.width / Math.max(this.place.clientWidth, 1); }

  turned(event) {
    if (!this.svg) return;
    event.preventDefault();
    const at = this.place.getBoundingClientRect();
    if (event.shiftKey) return this.shift(event.deltaX * this.unit, event.deltaY * this.unit);
    this.zoom(CLOSER ** (-event.deltaY / 100), (event.clientX - at.left) / at.width, (event.clientY - at.top) / at.height);
  }

  pressed(event) {
    if (event.button !== 0 || !this.svg) return;
    this.press = { x: event.clientX, y: event.clientY, far: 0, target: event.target };
    this.place.setPointerCapture(event.pointerId);
  }

  moved(event) {
    if (!this.press) return;
    const x = event.clientX - this.press.x, y = event.clientY - this.press.y;
    this.press.far += Math.abs(x) + Math.abs(y);
    if (this.press.far < DRAGGED) return;
    this.place.classList.add("dragged");
    this.shift(-x * this.unit, -y * this.unit);
    Object.assign(this.press, { x: event.clientX, y: event.clientY });
  }

  released(event) {
    this.place.classList.remove("dragged");
    const { press } = this;
    this.press = null;
    if (press && press.far < DRAGGED) this.clicked(press.target.closest?.(".entry"), event.clientY);
  }

  // Of a run of entries, the one at that height.
  clicked(run, height) {
    if (!run) return;
    const at = run.getBoundingClientRect(), { page, level, count } = run.dataset;
    const inside = Math.floor((height - at.top) / Math.max(at.height, 1) * Number(count));
    const index = Math.min(Math.max(inside, 0), Number(count) - 1);
    const first = BigInt(`0x${page}`) + BigInt(index) * 512n ** BigInt(level - 1);
    this.choose(first.toString(16), Number(level));
  }

  typed(event) {
    const step = 60 * (this.box ? this.unit : 0);
    const acts = {
      "+": () => this.zoom(CLOSER), "=": () => this.zoom(CLOSER), "-": () => this.zoom(1 / CLOSER), "0": () => this.whole(),
      ArrowLeft: () => this.shift(-step, 0), ArrowRight: () => this.shift(step, 0),
      ArrowUp: () => this.shift(0, -step), ArrowDown: () => this.shift(0, step),
    };
    if (!this.svg || !acts[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    acts[event.key]();
  }

  // Mark the entries of a way; the last one is the chosen one. `way` has levels and the pages of runs.
  mark(way) {
    this.way = way;
    this.place.querySelectorAll(".way").forEach((each) => each.classList.remove("way", "chosen"));
    way.forEach(({ level, run }, place) => {
      const found = run && this.place.querySelector(`.entry[data-level="${level}"][data-page="${run}"]`);
      found?.classList.add("way");
      if (place === way.length - 1) found?.classList.add("chosen");
    });
  }

  // Bring what is chosen into sight.
  follow() {
    this.bring(this.place.querySelector(".chosen"));
  }

  // Bring the next of what has changed into sight, and light it up once more.
  nextChange() {
    const changed = this.place.querySelectorAll(".changed");
    if (!changed.length) return;
    const next = changed[this.shown++ % changed.length];
    this.bring(next);
    next.getAnimations().forEach((each) => { each.cancel(); each.play(); });
  }

  bring(element) {
    if (!element) return;
    const at = element.getBoundingClientRect(), frame = this.place.getBoundingClientRect();
    const dx = outside(at.left, at.right, frame.left, frame.right);
    const dy = outside(at.top, at.bottom, frame.top, frame.bottom);
    if (dx || dy) this.shift(dx * this.unit, dy * this.unit);
  }
}

// How far a stretch lies outside a frame, with some room.
function outside(low, high, from, to) {
  const room = Math.min(24, (to - from) / 4);
  if (low < from + room) return low - from - room;
  return high > to - room ? high - to + room : 0;
}
