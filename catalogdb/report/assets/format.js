"use strict";
// What all parts of the page share: the data, numbers as text, sections and tables.

const data = JSON.parse(document.getElementById("data").textContent);
const own = data.of_catalog;
const page = document.getElementById("report");
const COLOURS = { matched: "var(--p)", missed: "var(--s)", proposed: "var(--extra)", station: "var(--station)", P: "var(--p)", S: "var(--s)" };

const none = (value) => value === null || value === undefined;
const percent = (share, digits = 1) => (none(share) ? "–" : `${(100 * share).toFixed(digits)} %`);
const fixed = (value, digits = 2) => (none(value) ? "–" : value.toFixed(digits));
const signed = (value, digits = 2) => { // nothing has a sign
  if (none(value)) return "–";
  const text = value.toFixed(digits), zero = Number(text) === 0;
  return zero ? text.replace("-", "") : `${value > 0 ? "+" : ""}${text}`;
};
const count = (value) => (none(value) ? "–" : value.toLocaleString("en"));
const clock = (time) => new Date(10 * Math.round(100 * time)).toISOString().slice(11, 22);
const moment = (time) => new Date(time * 1000).toISOString().slice(0, 19).replace("T", " ");
const day = (time) => new Date(time * 1000).toISOString().slice(0, 10);
const interval = (pair) => (pair ? `95 %: ${(100 * pair[0]).toFixed(1)} to ${(100 * pair[1]).toFixed(1)} %` : "");
const readable = (value) => (none(value) ? "–" : String(Number(value.toPrecision(3))));
const station = (row) => (row.net ? `${row.net}.${row.sta}` : row.sta);
const place = (event) => `${Math.abs(event.latitude).toFixed(3)}°${event.latitude < 0 ? "S" : "N"} ${Math.abs(event.longitude).toFixed(3)}°${event.longitude < 0 ? "W" : "E"}`;

// a heading stands over something, or not at all
function section(title, text, ...content) {
  const shown = content.filter(Boolean);
  if (!shown.length) return;
  page.append(element("h2", {}, title));
  if (text) page.append(element("p", { class: "soft" }, text));
  page.append(...shown);
}

function grid(figures, kind = "") {
  const shown = figures.filter(Boolean);
  return shown.length ? element("div", { class: `grid ${kind}` }, ...shown) : null;
}

function card(value, name, more) {
  return element("div", { class: "card" }, element("b", {}, value), element("span", {}, name, ...(more ? [element("br"), more] : [])));
}

function title(text) {
  return element("div", { class: "top" }, element("h1", {}, text), element("button", { type: "button", onclick: switchTheme }, "light / dark"));
}

function table(columns, rows, attributes = {}) {
  const body = element("tbody");
  const fill = (list) => body.replaceChildren(...list.map((row) => element("tr", {}, ...columns.map((column) => {
    const shown = column.show(row);
    return element("td", {}, ...(Array.isArray(shown) ? shown : [shown]));
  }))));
  const heads = columns.map((column) => {
    if (!column.sort) return element("th", {}, column.name);
    return element("th", {}, element("button", { type: "button", title: "sort", onclick: () => {
      column.down = !column.down;
      const order = column.down ? 1 : -1;
      fill([...rows].sort((a, b) => {
        const [first, second] = [column.sort(a), column.sort(b)];
        if (none(first)) return 1;
        if (none(second)) return -1;
        return order * (first < second ? -1 : first > second ? 1 : 0);
      }));
    } }, column.name));
  });
  fill(rows);
  return element("div", { class: "scroll" }, element("table", attributes, element("thead", {}, element("tr", {}, ...heads)), body));
}

const bar = (share) => (none(share) ? "–" : [element("span", { class: "bar", style: `width:${(2.6 * share).toFixed(2)}rem` }), percent(share, 0)]);

// statistics as catalogdb.report.rows gives them, or those of a comparison: a histogram with its median
function histogram(title, statistics, unit) {
  const drawn = statistics && statistics.histogram;
  if (!drawn) return null;
  const high = Math.max(...drawn.counts, 1), end = drawn.low + drawn.width * drawn.counts.length, outside = drawn.below + drawn.above;
  const digits = Math.max(0, 1 + Math.ceil(-Math.log10(drawn.width))), shown = (value) => value.toFixed(digits);
  const sign = drawn.low < 0 ? (value) => `${value > 0 ? "+" : ""}${shown(value)}` : shown;
  const text = `median ${sign(statistics.median)}, MAD ${shown(statistics.mad)}, 95 % below ${shown(statistics.p95)}` + (outside ? `; ${count(outside)} outside` : "");
  return chart(title, { text, x: { low: drawn.low, high: end, label: unit }, y: { low: 0, high: high * 1.08, whole: true, wide: high > 9999 }, height: 165 }, (frame) => {
    drawn.counts.forEach((number, at) => {
      if (!number) return;
      const left = frame.x(drawn.low + at * drawn.width), right = frame.x(drawn.low + (at + 1) * drawn.width);
      mark(frame, "rect", { x: left, width: Math.max(0.8, right - left - 0.7), y: frame.y(number), height: frame.y(0) - frame.y(number), style: "fill:var(--p);fill-opacity:.8" },
        `${readable(drawn.low + at * drawn.width)} to ${readable(drawn.low + (at + 1) * drawn.width)}: ${count(number)}`);
    });
    const middle = frame.x(statistics.median);
    if (statistics.median >= drawn.low && statistics.median <= end) mark(frame, "line", { x1: middle, x2: middle, y1: frame.y(0), y2: frame.y(high * 1.05), style: "stroke:var(--s);stroke-width:1.6;stroke-dasharray:4 3" });
  });
}
