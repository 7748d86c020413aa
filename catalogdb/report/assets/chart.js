"use strict";
// Small charts in SVG that are drawn for the width they have, and again when it changes.

const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") made.onclick = value;
    else if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function niceTicks(low, high, wanted, whole) {
  const raw = Math.max((high - low) / Math.max(1, wanted), whole ? 1 : 0); // numbers of things have no halves
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = (power < 10 && whole ? [1, 2, 5, 10] : [1, 2, 2.5, 5, 10]).map((factor) => factor * power).find((size) => size >= raw * 0.999);
  const ticks = [];
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + step * 1e-9; tick += step) ticks.push(Math.abs(tick) < step / 1e6 ? 0 : tick);
  const digits = [0, 1, 2, 3, 4, 5].find((number) => Math.abs(Number(step.toFixed(number)) / step - 1) < 1e-9) ?? 6; // the same for all
  return { ticks, text: (value) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }) };
}

const SPANS = [1, 2, 5, 10, 30, 60, 120, 300, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600];

function timeTicks(low, high, wanted) {
  const day = 86400, raw = (high - low) / wanted;
  const ticks = [];
  if (raw > 14 * day) { // whole months
    const months = Math.ceil(raw / (30.5 * day));
    const date = new Date(low * 1000);
    let at = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1));
    while (at.getTime() / 1000 <= high) {
      ticks.push(at.getTime() / 1000);
      at = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + months, 1));
    }
    return { ticks, text: (time) => new Date(time * 1000).toISOString().slice(0, 7) };
  }
  const step = SPANS.find((span) => span >= raw) || 14 * day;
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) ticks.push(tick);
  const isDate = (time) => step >= day || (time % day === 0 && high - low > day); // of several days a midnight says which
  return { ticks, text: (time) => { const iso = new Date(time * 1000).toISOString(); return isDate(time) ? iso.slice(5, 10) : iso.slice(11, step < 60 ? 19 : 16); } };
}

// options: x, y: {low, high, label, time, names, ticks: [[value, text]], whole (numbers of things), down, margin, top (ticks there, too)}; height (or a function of the width) or aspect; text, legend
// draw(frame) puts marks at frame.x(value), frame.y(value)
function chart(title, options, draw) {
  const figure = element("figure");
  if (title) figure.append(element("h3", {}, title));
  if (options.text) figure.append(element("p", { class: "soft" }, options.text));
  if (options.legend) figure.append(options.legend);
  const holder = element("div");
  const tip = element("div", { class: "tip", hidden: "" });
  figure.append(holder, tip);
  let drawnWidth = 0;
  const redraw = (force) => {
    const width = Math.round(holder.clientWidth);
    if (!width || (!force && width === drawnWidth)) return;
    drawnWidth = width;
    const small = width < 480;
    const margin = { left: options.y.margin || (options.y.wide ? 66 : 52), right: 12, top: options.x.top ? 24 : 10, bottom: options.x.label ? 40 : 24 };
    const inner = width - margin.left - margin.right;
    const height = options.aspect ? Math.min(inner * options.aspect, small ? 460 : 620) : typeof options.height === "function" ? options.height(inner) : options.height || 230;
    const svg = shape("svg", { viewBox: `0 0 ${width} ${height + margin.top + margin.bottom}`, role: "img", "aria-label": title || options.y.label || "" });
    const frame = { svg, width: inner, height, small, left: margin.left, top: margin.top };
    let { low: xLow, high: xHigh } = options.x, { low: yLow, high: yHigh } = options.y;
    if (options.aspect) { // equal scales: widen whichever axis has room
      const scale = Math.max((xHigh - xLow) / inner, (yHigh - yLow) / options.aspect * options.unit / height);
      const middle = (xLow + xHigh) / 2, centre = (yLow + yHigh) / 2;
      [xLow, xHigh] = [middle - scale * inner / 2, middle + scale * inner / 2];
      const yScale = scale * options.aspect / options.unit;
      [yLow, yHigh] = [centre - yScale * height / 2, centre + yScale * height / 2];
    }
    frame.x = (value) => margin.left + (value - xLow) / (xHigh - xLow) * inner;
    const fromBottom = (value) => (value - yLow) / (yHigh - yLow) * height;
    frame.y = (value) => margin.top + (options.y.down ? fromBottom(value) : height - fromBottom(value));
    const given = (list) => list && { ticks: list.map(([value]) => value), text: (value) => list.find(([own]) => own === value)[1] };
    const yTicks = given(options.y.ticks) || niceTicks(yLow, yHigh, height / 45, options.y.whole);
    for (const tick of yTicks.ticks) {
      if (!options.y.bare) svg.append(shape("line", { class: "axis", x1: margin.left, x2: width - margin.right, y1: frame.y(tick), y2: frame.y(tick) }));
      svg.append(shape("text", { x: margin.left - 6, y: frame.y(tick) + 4, "text-anchor": "end" }, yTicks.text(tick)));
    }
    frame.yTicks = yTicks.ticks;
    const bottom = margin.top + height;
    if (options.x.names) {
      const every = Math.ceil(options.x.names.length * (options.x.nameWidth || 52) / inner);
      options.x.names.forEach((name, at) => {
        if (at % every === 0) svg.append(shape("text", { x: frame.x(at + 0.5), y: bottom + 16, "text-anchor": "middle" }, name));
      });
    } else {
      const xTicks = given(options.x.ticks) || (options.x.time ? timeTicks : niceTicks)(xLow, xHigh, inner / 85);
      frame.xTicks = xTicks.ticks;
      for (const tick of xTicks.ticks) {
        if (options.x.grid) svg.append(shape("line", { class: "axis", x1: frame.x(tick), x2: frame.x(tick), y1: margin.top, y2: bottom }));
        const text = xTicks.text(options.x.shown ? options.x.shown(tick) : tick), at = frame.x(tick); // none runs over the edge
        svg.append(shape("text", { x: Math.min(at, width - 3.4 * text.length), y: bottom + 16, "text-anchor": "middle" }, text));
        if (options.x.top) svg.append(shape("text", { x: Math.min(at, width - 3.4 * text.length), y: 14, "text-anchor": "middle" }, text));
      }
    }
    svg.append(shape("line", { class: "axis", x1: margin.left, x2: width - margin.right, y1: bottom, y2: bottom }));
    if (options.x.label) svg.append(shape("text", { class: "label", x: margin.left + inner / 2, y: bottom + 34, "text-anchor": "middle" }, options.x.label));
    if (options.y.label) svg.append(shape("text", { class: "label", x: 12, y: margin.top + height / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${margin.top + height / 2})` }, options.y.label));
    draw(frame);
    holder.replaceChildren(svg);
    tip.hidden = true;
  };
  figure.redraw = () => redraw(true);
  figure.onpointermove = figure.onpointerdown = (event) => {
    const text = event.target.dataset && event.target.dataset.tip;
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    const box = figure.getBoundingClientRect();
    tip.style.left = `${Math.min(event.clientX - box.left + 12, Math.max(4, box.width - tip.offsetWidth - 6))}px`;
    tip.style.top = `${event.clientY - box.top + 14}px`;
  };
  figure.onpointerleave = () => { tip.hidden = true; };
  new ResizeObserver(() => requestAnimationFrame(() => redraw(false))).observe(holder);
  return figure;
}

function mark(frame, kind, attributes, tip) {
  const made = shape(kind, attributes);
  if (tip) made.dataset.tip = tip;
  frame.svg.append(made);
  return made;
}

function symbol(frame, kind, x, y, size, colour, tip) {
  const style = `fill:${colour};fill-opacity:.6;stroke:${colour};stroke-width:1`;
  if (kind === "cross") return mark(frame, "path", { d: `M${x - size} ${y - size}L${x + size} ${y + size}M${x - size} ${y + size}L${x + size} ${y - size}`, style: `stroke:${colour};stroke-width:2.4;fill:none` }, tip);
  if (kind === "triangle") return mark(frame, "path", { d: `M${x} ${y - size}L${x + size} ${y + size * 0.8}L${x - size} ${y + size * 0.8}Z`, style }, tip);
  if (kind === "station") return mark(frame, "path", { d: `M${x} ${y + size}L${x + size} ${y - size * 0.8}L${x - size} ${y - size * 0.8}Z`, style: `fill:none;stroke:${colour};stroke-width:1.3;pointer-events:all` }, tip);
  return mark(frame, "circle", { cx: x, cy: y, r: size, style }, tip);
}

function legend(entries, changed) {
  const box = element("div", { class: "legend" });
  for (const entry of entries) {
    const button = element("button", { type: "button", class: "entry", "aria-pressed": "true", onclick: () => {
      entry.hidden = !entry.hidden;
      button.setAttribute("aria-pressed", String(!entry.hidden));
      changed();
    } }, entry.colour ? element("i", { style: `background:${entry.colour}` }) : null, entry.name);
    box.append(button);
  }
  return box;
}
