"use strict";
// The maps and the browser of records. All text goes into the page as text; nothing here makes markup of it.

const data = JSON.parse(document.getElementById("data").textContent);
const SHAPES = ["●", "■", "▲", "◆", "✚"];
const ORDERED = {1: [0], 2: [0, 6], 3: [0, 3, 6], 4: [0, 2, 4, 6], 5: [0, 2, 3, 4, 6], 6: [0, 1, 2, 4, 5, 6]};
const NEAR = 16; // pixels from which on a record is meant
const HITS = 8;
const MARGIN = 26;

function element(name, text, parent) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

function parts(root) {
  return Object.fromEntries([...root.querySelectorAll("[data-part]")].map((one) => [one.dataset.part, one]));
}

function matching(texts, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return texts.flatMap((text, index) => (words.every((word) => text.includes(word)) ? [index] : []));
}

function showText(parent, title, text) {
  if (!text) return;
  element("p", title, parent).className = "part";
  element("pre", text, parent);
}

class Explorer {
  constructor(root) {
    this.pool = data.pools[root.dataset.pool];
    this.part = parts(root);
    this.records = this.pool.records;
    this.haystack = this.records.map((one) => [one.instruction, one.output, `record ${one.place}`, one.sha256].join("\n").toLowerCase());
    this.current = -1;
    this.hits = new Set();
    this.alone = -1;
    this.reset();
    for (const kind of ["view", "colour"]) {
      this.pool[`${kind}s`].forEach((one, index) => { element("option", one.name, this.part[kind]).value = index; });
      this.part[kind].addEventListener("change", () => this.choose());
    }
    this.listen();
    this.choose();
    new ResizeObserver(() => this.draw()).observe(this.part.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  listen() {
    const canvas = this.part.canvas;
    let dragged = null;
    canvas.addEventListener("pointerdown", (event) => { dragged = [event.offsetX, event.offsetY, 0]; });
    canvas.addEventListener("pointermove", (event) => {
      if (dragged && event.buttons && this.scale > 1) {
        this.middle[0] -= (event.offsetX - dragged[0]) / (this.size[0] * this.scale);
        this.middle[1] += (event.offsetY - dragged[1]) / (this.size[1] * this.scale);
        dragged = [event.offsetX, event.offsetY, dragged[2] + 1];
        this.draw();
      } else if (!event.buttons) {
        this.point(this.nearest(event.offsetX, event.offsetY));
      }
    });
    canvas.addEventListener("click", (event) => {
      if (!dragged || dragged[2] < 3) this.point(this.nearest(event.offsetX, event.offsetY));
      dragged = null;
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
    this.part.in.addEventListener("click", () => this.zoom(1.6));
    this.part.out.addEventListener("click", () => this.zoom(1 / 1.6));
    this.part.whole.addEventListener("click", () => { this.reset(); this.draw(); });
    this.part.search.addEventListener("input", () => this.search());
  }

  reset() {
    this.scale = 1;
    this.middle = [0.5, 0.5];
  }

  choose() {
    this.view = this.pool.views[this.part.view.value];
    this.colour = this.pool.colours[this.part.colour.value];
    this.alone = -1;
    this.reset();
    this.part.note.textContent = this.view.note;
    this.part.legend.replaceChildren();
    this.colour.groups.forEach((name, index) => {
      const count = this.colour.of.filter((group) => group === index).length;
      const button = element("button", undefined, this.part.legend);
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      const mark = element("i", SHAPES[index % SHAPES.length], button);
      mark.style.color = `var(${this.variable(index)})`;
      mark.setAttribute("aria-hidden", "true");
      button.append(`${name} (${count})`);
      button.addEventListener("click", () => this.only(this.alone === index ? -1 : index));
    });
    this.draw();
  }

  only(index) {
    this.alone = index;
    [...this.part.legend.children].forEach((one, place) => one.setAttribute("aria-pressed", String(place === index)));
    this.draw();
  }

  variable(index) {
    if (!this.colour.ordered) return `--hue-${index % 10}`;
    const chosen = ORDERED[this.colour.groups.length] || [0, 1, 2, 3, 4, 5, 6];
    return `--ordered-${chosen[index % chosen.length]}`;
  }

  // Pixels of a record: its coordinates are 0 … 1, from the left and from the bottom.
  place(index) {
    const [x, y] = [this.view.x[index], this.view.y[index]];
    if (x === null || y === null) return null;
    return [
      this.left + this.size[0] * (0.5 + (x - this.middle[0]) * this.scale),
      MARGIN + this.size[1] * (0.5 - (y - this.middle[1]) * this.scale),
    ];
  }

  nearest(left, top) {
    let best = -1;
    let least = NEAR * NEAR;
    this.records.forEach((_, index) => {
      const at = this.place(index);
      if (!at || (this.alone >= 0 && this.colour.of[index] !== this.alone)) return;
      const distance = (at[0] - left) ** 2 + (at[1] - top) ** 2;
      if (distance < least) [best, least] = [index, distance];
    });
    return best;
  }

  // The nearest record that lies in that direction more than aside of it.
  neighbour(right, up) {
    const from = this.place(this.current);
    let best = this.current;
    let least = Infinity;
    this.records.forEach((_, index) => {
      const at = this.place(index);
      if (!at || index === this.current || (this.alone >= 0 && this.colour.of[index] !== this.alone)) return;
      const ahead = (at[0] - from[0]) * right - (at[1] - from[1]) * up;
      const aside = Math.abs((at[0] - from[0]) * up) + Math.abs((at[1] - from[1]) * right);
      const cost = ahead + 2 * aside;
      if (ahead > 0 && aside <= ahead && cost < least) [best, least] = [index, cost];
    });
    return best;
  }

  key(event) {
    const arrows = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};
    if (event.key in arrows) {
      const lost = this.current < 0 || !this.place(this.current);
      const start = lost ? this.records.findIndex((_, index) => this.place(index)) : this.neighbour(...arrows[event.key]);
      this.point(start, true);
    } else if (event.key === "+" || event.key === "=") this.zoom(1.6);
    else if (event.key === "-") this.zoom(1 / 1.6);
    else if (event.key === "Escape") this.point(-1, true);
    else return;
    event.preventDefault();
  }

  zoom(factor) {
    this.scale = Math.min(40, Math.max(1, this.scale * factor));
    if (this.scale === 1) this.reset();
    else if (this.current >= 0 && this.place(this.current)) this.centre(this.current);
    this.draw();
  }

  centre(index) {
    this.middle = [this.view.x[index], this.view.y[index]];
  }

  point(index, byKey) {
    if (index === this.current || (index < 0 && !byKey)) return;
    this.current = index;
    const at = index >= 0 && this.place(index);
    const outside = at && (at[0] < 0 || at[1] < 0 || at[0] > this.part.canvas.clientWidth || at[1] > this.part.canvas.clientHeight);
    if (outside) this.centre(index);
    this.show(index);
    this.draw();
  }

  show(index) {
    const panel = this.part.record;
    panel.replaceChildren();
    if (index < 0) return;
    const record = this.records[index];
    element("p", `record ${record.place} of ${this.pool.name}`, panel).className = "part";
    showText(panel, "Instruction", record.instruction);
    showText(panel, "Output", record.output);
    const list = element("dl", undefined, panel);
    for (const [name, value] of this.facts(index)) {
      element("dt", name, list);
      element("dd", value, list);
    }
    panel.scrollTop = 0;
  }

  facts(index) {
    const groups = this.pool.colours.map((one) => [one.name, one.groups[one.of[index]] ?? "none"]);
    return [...groups, ...Object.entries(this.records[index].numbers), ["sha256", this.records[index].sha256]];
  }

  search() {
    const query = this.part.search.value.trim();
    const found = query ? matching(this.haystack, query) : [];
    this.hits = new Set(found);
    this.part.hits.replaceChildren();
    this.part.found.textContent = query ? `${found.length} of ${this.records.length} records found${found.length > HITS ? `, the first ${HITS} listed` : ""}.` : "";
    for (const index of found.slice(0, HITS)) {
      const button = element("button", `record ${this.records[index].place}: ${this.records[index].instruction}`, element("li", undefined, this.part.hits));
      button.type = "button";
      button.addEventListener("click", () => { this.current = -1; this.point(index, true); });
    }
    if (found.length) this.point(found[0], true);
    else this.draw();
  }

  draw() {
    const canvas = this.part.canvas;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const side = this.view.square ? Math.min(width, height) - 2 * MARGIN : 0;
    this.size = side ? [side, side] : [width - 2 * MARGIN, height - 2 * MARGIN];
    this.pen = canvas.getContext("2d");
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.left = side ? (width - side) / 2 : MARGIN;
    const css = getComputedStyle(document.documentElement);
    this.ink = css.getPropertyValue("--ink");
    const colours = this.colour.groups.map((_, index) => css.getPropertyValue(this.variable(index)));
    this.axes(css, width, height);
    const order = this.records.map((_, index) => index).sort((a, b) => this.weight(a) - this.weight(b));
    for (const index of order) this.mark(index, colours, css.getPropertyValue("--muted"));
    this.pen.globalAlpha = 1;
    if (this.current >= 0) this.ring(this.current);
  }

  weight(index) {
    return (this.hits.has(index) ? 2 : 0) + (this.alone >= 0 && this.colour.of[index] === this.alone ? 1 : 0);
  }

  mark(index, colours, none) {
    const at = this.place(index);
    if (!at) return;
    const group = this.colour.of[index];
    const dim = (this.alone >= 0 && group !== this.alone) || (this.hits.size && !this.hits.has(index));
    this.pen.globalAlpha = dim ? 0.12 : 0.8;
    this.pen.fillStyle = group < 0 ? none : colours[group];
    this.shape(group < 0 ? 0 : group % SHAPES.length, at[0], at[1], this.hits.has(index) ? 6 : this.records.length > 1200 ? 3 : 4.2);
  }

  shape(kind, x, y, r) {
    const pen = this.pen;
    pen.beginPath();
    if (kind === 0) pen.arc(x, y, r, 0, 7);
    else if (kind === 1) pen.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8);
    else if (kind === 2) { pen.moveTo(x, y - r * 1.2); pen.lineTo(x + r * 1.1, y + r * 0.8); pen.lineTo(x - r * 1.1, y + r * 0.8); }
    else if (kind === 3) { pen.moveTo(x, y - r * 1.3); pen.lineTo(x + r * 1.1, y); pen.lineTo(x, y + r * 1.3); pen.lineTo(x - r * 1.1, y); }
    else { pen.rect(x - r * 1.2, y - r * 0.4, r * 2.4, r * 0.8); pen.rect(x - r * 0.4, y - r * 1.2, r * 0.8, r * 2.4); }
    pen.fill();
  }

  ring(index) {
    const at = this.place(index);
    if (!at) return;
    this.pen.strokeStyle = this.ink;
    this.pen.lineWidth = 2.5;
    this.pen.beginPath();
    this.pen.arc(at[0], at[1], 9, 0, 7);
    this.pen.stroke();
  }

  axes(css, width, height) {
    if (!this.view.xlabel) return;
    this.pen.fillStyle = css.getPropertyValue("--muted");
    this.pen.font = `13px ${getComputedStyle(document.body).fontFamily}`;
    this.pen.textAlign = "right";
    this.pen.fillText(`${this.view.xlabel} →`, width - 8, height - 8);
    this.pen.textAlign = "left";
    this.pen.fillText(`↑ ${this.view.ylabel}`, 8, 17);
  }
}

class Browser {
  constructor(root) {
    this.part = parts(root);
    for (const name of ["split", "filter"]) this.part[name].addEventListener("input", () => this.show());
    this.show();
  }

  show() {
    const split = data.splits[this.part.split.value];
    const texts = split.records.map((one) => [one.instruction, one.input, one.output].join("\n").toLowerCase());
    const found = matching(texts, this.part.filter.value);
    const drawn = split.records.length < split.total ? `, drawn at random (seed ${data.seed}) from ${split.total.toLocaleString("en")}` : ", all there are";
    this.part.found.textContent = `${found.length} of ${split.records.length} records shown${drawn}.`;
    this.part.records.replaceChildren(...found.map((index) => this.item(split.records[index])));
  }

  item(record) {
    const item = element("li");
    element("p", `place ${record.place} in the file, from ${record.source}, sha256 ${record.sha256}`, item);
    showText(item, "Instruction", record.instruction);
    showText(item, "Input", record.input);
    showText(item, "Output", record.output);
    return item;
  }
}

document.querySelectorAll(".explorer").forEach((root) => new Explorer(root));
document.querySelectorAll(".browser").forEach((root) => new Browser(root));
if (matchMedia("(max-width: 63.99rem)").matches) document.querySelector("nav details").open = false;
