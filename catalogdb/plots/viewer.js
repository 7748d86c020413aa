const view = JSON.parse(document.getElementById("view").textContent);
const canvas = document.querySelector("canvas"), pen = canvas.getContext("2d");
const tip = document.getElementById("tip"), at = document.getElementById("at"), toScale = document.getElementById("scale");
const AXIS = 40, TOP = 20, HEADING = 22, LANE = 19, GAP = 6, CLOSE = 6, MOST_LETTERS = 60;
const DASHES = { reference: [6, 3], predicted: [1.5, 3] };
const STEPS = [.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600];
const length = view.endtime - view.starttime, tall = view.panels.length > 1;
const shared = view.panels.some((panel) => panel.rows.some((row) => row.kind === "strip" && row.thresholds.some((limit) => limit.text.length > 12)));
let LEFT = 175, RIGHT = 70, from = 0, to = length, colours = {}, pointer = null, hidden = new Set(), queued = false;

// -- samples

async function bytes(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
async function unpackWave(part) {  // byte planes of the differences of whole numbers
  const raw = await bytes(part.data), values = new Float32Array(part.n);
  for (let i = 0, sum = 0, n = part.n; i < n; i++) {
    sum = (sum + (raw[i] | raw[n + i] << 8 | raw[2 * n + i] << 16 | raw[3 * n + i] << 24)) | 0;
    values[i] = sum * part.scale;
  }
  part.values = values;
}
async function unpackStrip(part) {
  const raw = await bytes(part.data);
  part.rows = part.labels.map((_, row) => raw.subarray(row * part.n, (row + 1) * part.n));
}
function span(part) {  // samples that can be seen, one more on either side
  const first = Math.max(0, Math.floor((from - part.t) * part.rate) - 1);
  return [first, Math.min(part.n, Math.ceil((to - part.t) * part.rate) + 2)];
}

// -- drawing

const rows = [];
let height = 0;
function place() {
  if (tall) height += TOP;
  for (const panel of view.panels) {
    if (panel.heading) { rows.push({ kind: "heading", text: panel.heading, y: height, h: HEADING, panel }); height += HEADING; }
    for (const row of panel.rows) {
      const h = row.kind === "lanes" ? LANE * Math.max(1, row.lanes.length) : row.kind === "wave" ? (tall ? 64 : 120) : (tall ? 46 : 80);
      rows.push(Object.assign(row, { y: height, h, panel }));
      height += h + GAP;
    }
  }
  height += AXIS;
}
const x = (t) => LEFT + (t - from) / (to - from) * width();
const time = (px) => from + (px - LEFT) / width() * (to - from);
const width = () => canvas.clientWidth - LEFT - RIGHT;
const colourOf = (phase) => colours[{ P: "p", S: "s", D: "detection" }[phase[0]]] || colours.text;
const lanesOf = (panel) => panel.rows.filter((row) => row.kind === "lanes").flatMap((row) => row.lanes).filter((lane) => !hidden.has(lane.name));
const visible = (lane) => lane.marks.filter((mark) => mark.t >= from && mark.t <= to);
const few = (panel) => lanesOf(panel).reduce((sum, lane) => sum + visible(lane).length, 0) <= MOST_LETTERS;

function draw() {
  queued = false;
  const narrow = canvas.clientWidth < 700;
  LEFT = narrow ? 110 : 175; RIGHT = narrow ? 8 : shared ? 180 : 70;
  const ratio = devicePixelRatio || 1;
  canvas.style.height = height + "px";
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = height * ratio;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const style = getComputedStyle(document.documentElement);
  for (const name of ["background", "text", "waveform", "muted", "gap", "p", "s", "detection"]) colours[name] = style.getPropertyValue("--" + name).trim();
  pen.fillStyle = colours.background;
  pen.fillRect(0, 0, canvas.clientWidth, height);
  axis();
  for (const row of rows) {
    pen.save();
    ({ heading, lanes, wave, strip })[row.kind](row);
    pen.restore();
  }
  if (pointer) line(pointer.x, 0, height - AXIS, colours.muted, [2, 3], 1);
}
function redraw() { if (!queued) { queued = true; requestAnimationFrame(draw); } }
function text(words, px, py, colour, align, font) {
  pen.font = font || "12px system-ui, sans-serif"; pen.fillStyle = colour; pen.textAlign = align; pen.textBaseline = "middle";
  pen.fillText(words, px, py);
}
function fitted(words, room) {
  pen.font = "12px system-ui, sans-serif";
  while (words.length > 4 && pen.measureText(words).width > room) words = words.slice(0, -2) + "…";
  return words;
}
function line(px, top, bottom, colour, dash, wide) {
  if (px < LEFT || px > LEFT + width()) return;
  pen.strokeStyle = colour; pen.lineWidth = wide; pen.setLineDash(dash || []);
  pen.beginPath(); pen.moveTo(px, top); pen.lineTo(px, bottom); pen.stroke(); pen.setLineDash([]);
}
function clip(row) { pen.beginPath(); pen.rect(LEFT, row.y, width(), row.h); pen.clip(); }
function heading(row) { text(row.text, LEFT, row.y + HEADING / 2 + 2, colours.text, "left", "bold 13px system-ui, sans-serif"); }
function lanes(row) {
  const letters = few(row.panel);
  row.lanes.forEach((lane, number) => {
    const y = row.y + LANE * (number + .5), off = hidden.has(lane.name);
    text(fitted(lane.name, LEFT - 16), LEFT - 8, y, off ? colours.muted : colours.text, "right");
    if (off) return;
    for (const mark of visible(lane)) {
      const px = x(mark.t), colour = colourOf(mark.phase);
      if (!letters) { line(px, mark.letter === "S" ? y : y - 8, mark.letter === "P" ? y : y + 8, colour, [], 1.2); continue; }
      pen.strokeStyle = pen.fillStyle = colour; pen.lineWidth = 1; pen.setLineDash(mark.events ? [] : DASHES[lane.kind] || []);
      if (mark.events) pen.fillRect(px - 7, y - 7, 14, 14);
      pen.strokeRect(px - 6.5, y - 6.5, 13, 13); pen.setLineDash([]);
      text(mark.letter, px, y + .5, mark.events ? colours.background : colour, "center", "bold 11px system-ui, sans-serif");
    }
  });
  if (!row.lanes.length) text("no picks", LEFT - 8, row.y + LANE / 2, colours.muted, "right");
}
function peakOf(row) {
  let peak = 0;
  for (const part of row.segments) {
    const [first, end] = toScale.checked ? span(part) : [0, part.n];
    for (let i = first; i < end; i++) { const size = Math.abs(part.values[i]); if (size > peak) peak = size; }
  }
  return peak;
}
function wave(row) {
  const middle = row.y + row.h / 2, peak = peakOf(row), up = peak ? row.h / 2 / peak * .96 : 0;
  const shown = peak >= 100 ? Math.round(peak).toLocaleString("en") : peak.toPrecision(3);
  text(row.name, LEFT - 8, middle - 8, colours.text, "right", "bold 12px system-ui, sans-serif");
  text(row.segments.length ? `±${shown} ${view.unit}` : "no data", LEFT - 8, middle + 8, colours.muted, "right");
  clip(row);
  pen.fillStyle = colours.gap;
  for (const [start, end] of row.gaps) pen.fillRect(x(start), row.y, x(end) - x(start), row.h);
  arrivals(row);
  pen.strokeStyle = colours.waveform; pen.lineWidth = 1;
  for (const part of row.segments) {
    const [first, end] = span(part), perPixel = (to - from) * part.rate / width();
    pen.beginPath();
    if (perPixel <= 2) {
      for (let i = first; i < end; i++) pen.lineTo(x(part.t + i / part.rate), middle - part.values[i] * up);
    } else {
      for (let i = first; i < end;) {
        const px = Math.floor(x(part.t + i / part.rate));
        const stop = Math.min(end, Math.max(i + 1, Math.ceil((time(px + 1) - part.t) * part.rate)));
        let low = part.values[i], high = low;
        for (; i < stop; i++) { const value = part.values[i]; if (value < low) low = value; else if (value > high) high = value; }
        pen.lineTo(px + .5, middle - high * up); pen.lineTo(px + .5, middle - low * up);
      }
    }
    pen.stroke();
  }
}
function arrivals(row) {
  if (view.origin !== null) line(x(view.origin), row.y, row.y + row.h, colours.text, [1, 2], 1);
  if (!few(row.panel)) return;
  for (const lane of lanesOf(row.panel))
    for (const mark of visible(lane)) line(x(mark.t), row.y, row.y + row.h, colourOf(mark.phase), DASHES[lane.kind], DASHES[lane.kind] ? 1.6 : 1.1);
}
function strip(row) {
  const base = row.y + row.h, level = (value) => base - value * row.h / 1.05;
  text("probability", LEFT - 26, row.y + row.h / 2 - 8, colours.text, "right");
  text(fitted(row.name, LEFT - 32), LEFT - 26, row.y + row.h / 2 + 8, colours.muted, "right");
  for (const value of [0, 1]) text(value, LEFT - 8, level(value) + (value ? 0 : -4), colours.muted, "right", "11px system-ui, sans-serif");
  let lowest = -Infinity;
  for (const limit of [...row.thresholds].sort((one, other) => other.value - one.value)) {
    const y = Math.max(level(limit.value), lowest + 11), colour = limit.labels.length === 1 ? colourOf(limit.labels[0]) : colours.muted;
    if (RIGHT > 20) text(fitted(limit.text, RIGHT - 10), LEFT + width() + 6, y, colour, "left", "11px system-ui, sans-serif");
    lowest = y;
  }
  clip(row);
  for (const part of row.traces) part.labels.forEach((label, number) => {
    const values = part.rows[number], [first, end] = span(part), colour = colourOf(label);
    const perPixel = Math.max(1, Math.floor((to - from) * part.rate / width()));
    let points = [];
    const flush = () => {
      if (points.length) {
        pen.beginPath();
        for (const [px, py] of points) pen.lineTo(px, py);
        pen.strokeStyle = colour; pen.lineWidth = 1.2; pen.stroke();
        if (label !== "D") {
          pen.lineTo(points[points.length - 1][0], base); pen.lineTo(points[0][0], base);
          pen.globalAlpha = .3; pen.fillStyle = colour; pen.fill(); pen.globalAlpha = 1;
        }
      }
      points = [];
    };
    for (let i = first; i < end; i += perPixel) {
      let best = -1;
      for (let j = i; j < Math.min(end, i + perPixel); j++) if (values[j] !== 255 && values[j] > best) best = values[j];
      if (best < 0) flush(); else points.push([x(part.t + (i + (perPixel - 1) / 2) / part.rate), level(best / 254)]);
    }
    flush();
  });
  for (const limit of row.thresholds) {
    pen.strokeStyle = limit.labels.length === 1 ? colourOf(limit.labels[0]) : colours.muted;
    pen.lineWidth = 1; pen.setLineDash([5, 4]);
    pen.beginPath(); pen.moveTo(LEFT, level(limit.value)); pen.lineTo(LEFT + width(), level(limit.value)); pen.stroke(); pen.setLineDash([]);
  }
  pen.strokeStyle = colours.muted; pen.beginPath(); pen.moveTo(LEFT, base - .5); pen.lineTo(LEFT + width(), base - .5); pen.stroke();
}
function axis() {
  const step = STEPS.find((one) => (to - from) / one <= width() / 95) || STEPS[STEPS.length - 1];
  const y = height - AXIS + 4, first = Math.ceil((view.starttime + from) / step - 1e-9);
  for (let tick = first; tick * step <= view.starttime + to + 1e-9; tick++) {
    const px = x(tick * step - view.starttime), label = clock(tick * step - view.starttime, step < 1 ? (step < .01 ? 3 : 2) : 0);
    line(px, tall ? TOP : 0, y, colours.gap, [], 1);
    const middle = Math.min(px, canvas.clientWidth - 3.5 * label.length);  // none runs over the edge
    text(label, middle, y + 8, colours.text, "center");
    if (tall) text(label, middle, TOP / 2, colours.text, "center");
  }
  text(`UTC, ${new Date((view.starttime + from) * 1000).toISOString().slice(0, 10)}`, LEFT + width() / 2, y + 26, colours.text, "center");
}
function clock(t, digits) {
  const stamp = new Date(Math.round((view.starttime + t) * 1000)).toISOString().slice(11, 23);
  return digits ? stamp.slice(0, 9 + digits) : stamp.slice(0, 8);
}

// -- looking around

function show(start, end) {
  const least = .05, wide = Math.min(length, Math.max(least, end - start));
  from = Math.min(Math.max(0, start), length - wide); to = from + wide;
  redraw();
}
function zoom(factor, centre) { show(centre - (centre - from) * factor, centre + (to - centre) * factor); }
function shift(share) { const by = (to - from) * share; show(from + by, to + by); }
canvas.addEventListener("wheel", (event) => {
  const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
  if (sideways || event.shiftKey) { event.preventDefault(); shift((sideways ? event.deltaX : event.deltaY) / width()); }
  else if (event.ctrlKey || event.metaKey || !tall) { event.preventDefault(); zoom(Math.exp(event.deltaY * .0015), time(event.offsetX)); }
}, { passive: false });
let drag = null;
canvas.addEventListener("pointerdown", (event) => { drag = { x: event.offsetX, from, to }; canvas.setPointerCapture(event.pointerId); });
canvas.addEventListener("pointerup", () => { drag = null; });
canvas.addEventListener("pointercancel", () => { drag = null; });
canvas.addEventListener("pointermove", (event) => {
  pointer = { x: event.offsetX, y: event.offsetY };
  if (drag) { const by = (drag.x - event.offsetX) / width() * (drag.to - drag.from); show(drag.from + by, drag.to + by); }
  hover(); redraw();
});
canvas.addEventListener("pointerleave", () => { pointer = null; tip.style.display = "none"; at.textContent = ""; redraw(); });
canvas.addEventListener("dblclick", () => show(0, length));
canvas.addEventListener("keydown", (event) => {
  const middle = (from + to) / 2;
  const acts = { "+": () => zoom(.6, middle), "=": () => zoom(.6, middle), "-": () => zoom(1 / .6, middle), "0": () => show(0, length), ArrowLeft: () => shift(-.2), ArrowRight: () => shift(.2) };
  if (acts[event.key] && !event.ctrlKey && !event.metaKey) { event.preventDefault(); acts[event.key](); }
});
function hover() {
  const row = rows.find((one) => pointer.y >= one.y && pointer.y < one.y + one.h), t = time(pointer.x);
  let words = t >= from && t <= to ? clock(t, 3) + " UTC" : "", nearest = null;
  if (row && words) {
    if (row.kind === "lanes") nearest = closest(row.lanes.slice(Math.floor((pointer.y - row.y) / LANE)).slice(0, 1), 9);
    else if (row.kind !== "heading" && few(row.panel)) nearest = closest(lanesOf(row.panel), CLOSE);
    if (row.kind === "wave") for (const part of row.segments) {
      const value = part.values[Math.round((t - part.t) * part.rate)];
      if (value !== undefined) words += `   ${row.name} ${Number(value.toPrecision(4))} ${view.unit}`;
    }
    if (row.kind === "strip") for (const part of row.traces) part.labels.forEach((label, number) => {
      const value = part.rows[number][Math.round((t - part.t) * part.rate)];
      if (value !== undefined && value !== 255) words += `   ${label} ${(value / 254).toFixed(2)}`;
    });
  }
  at.textContent = words;
  tip.style.display = nearest ? "block" : "none";
  if (!nearest) return;
  tip.textContent = nearest.map(described).join("\n");
  const px = pointer.x + 14 + tip.offsetWidth > canvas.clientWidth ? pointer.x - 14 - tip.offsetWidth : pointer.x + 14;
  tip.style.left = Math.max(0, px) + "px"; tip.style.top = pointer.y + 14 + "px";
}
function closest(among, reach) {
  const near = among.filter((lane) => !hidden.has(lane.name)).flatMap((lane) => visible(lane).map((mark) => ({ lane, mark, off: Math.abs(x(mark.t) - pointer.x) })));
  const found = near.filter((one) => one.off <= reach).sort((one, other) => one.off - other.off).slice(0, 4);
  return found.length ? found : null;
}
function fields(mark) {
  return [["probability", mark.probability], ["quality", mark.quality], ["snr", mark.snr], ["uncertainty", mark.uncertainty, "s"],
    ["weight", mark.hypo71_weight], ["residual", mark.residual, "s"]].filter(([, value]) => value !== null && value !== undefined);
}
function described({ lane, mark }) {
  const values = fields(mark).map(([name, value, unit]) => `${name} ${Number(value.toPrecision(3))}${unit ? " " + unit : ""}`);
  const rows = [];
  for (let i = 0; i < values.length; i += 3) rows.push(values.slice(i, i + 3).join(", "));
  return [`${mark.phase} ${clock(mark.t, 3)}  ${lane.name} (${lane.kind})`, ...rows, ...(mark.events || []).map((name) => `event ${name}`)].join("\n");
}

// -- the rest of the page

function controls() {
  const names = [...new Set(view.panels.flatMap((panel) => panel.rows).filter((row) => row.kind === "lanes").flatMap((row) => row.lanes).map((lane) => lane.name))];
  const box = document.getElementById("lanes");
  for (const name of names) {
    const label = document.createElement("label"), input = document.createElement("input");
    input.type = "checkbox"; input.checked = true;
    input.addEventListener("change", () => { input.checked ? hidden.delete(name) : hidden.add(name); redraw(); });
    label.append(input, " " + name); box.append(label);
  }
  const press = (id, act) => document.getElementById(id).addEventListener("click", act);
  press("in", () => zoom(.5, (from + to) / 2)); press("out", () => zoom(2, (from + to) / 2)); press("all", () => show(0, length));
  press("theme", () => { switchTheme(); redraw(); });
  toScale.addEventListener("change", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("resize", redraw);
  document.getElementById("hint").textContent = `${tall ? "Ctrl + wheel" : "Wheel"} or + − zooms, dragging or ← → moves, a double click or 0 shows all; arrivals and curves say more under the pointer.`;
}
function table() {
  const head = ["station", "pick set", "phase", "time (UTC)", "probability", "quality", "snr", "uncertainty (s)", "weight", "residual (s)", "events"];
  const body = document.querySelector("tbody");
  document.querySelector("thead").append(lineOf(head, "th"));
  for (const panel of view.panels) for (const row of panel.rows) if (row.kind === "lanes") for (const lane of row.lanes) for (const mark of lane.marks) {
    const numbers = ["probability", "quality", "snr", "uncertainty", "hypo71_weight", "residual"].map((name) => mark[name] === null || mark[name] === undefined ? "" : Number(mark[name].toPrecision(3)));
    body.append(lineOf([panel.station, lane.name, mark.phase, clock(mark.t, 3), ...numbers, (mark.events || []).join(", ")], "td"));
  }
}
function lineOf(cells, kind) {
  const line = document.createElement("tr");
  for (const cell of cells) { const one = document.createElement(kind); one.textContent = cell; line.append(one); }
  return line;
}
async function begin() {
  place();
  for (const row of rows) {
    if (row.kind === "wave") await Promise.all(row.segments.map(unpackWave));
    if (row.kind === "strip") await Promise.all(row.traces.map(unpackStrip));
  }
  draw(); controls(); table();
  document.documentElement.dataset.ready = "yes";
}
begin().catch((error) => { at.textContent = `This browser can't show the figure: ${error.message}`; });
