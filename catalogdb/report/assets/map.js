"use strict";
// Where and when the events are: map, depth sections, and magnitude or depth over time. The same for one catalog and for two that are compared.

const coast = JSON.parse(document.getElementById("coast").textContent);
const SYMBOLS = { matched: "circle", missed: "cross", proposed: "triangle", event: "circle" };
const RAMP = [[76, 92, 214], [36, 150, 190], [70, 170, 110], [225, 160, 40], [214, 72, 72]];
const KM_PER_DEGREE = 111.19;

// -- which events, and their colours

const compared = Boolean(data.reference);
const colouring = { by: "depth", redraws: [] };

function groups() {
  // the missed ones are few, and drawn last
  const found = compared ? ["matched", "proposed", "missed"].map((name) => [name, data.map[name]]) : [["event", own.map]];
  return found.map(([outcome, group]) => ({
    name: `${outcome === "event" ? "events" : outcome} (${count(group.total)}${group.total > group.events.length ? `, the ${count(group.events.length)} largest shown` : ""})`,
    outcome, colour: COLOURS[outcome], events: group.events,
  }));
}

function ramp(share) {
  const at = Math.max(0, Math.min(1, share)) * (RAMP.length - 1), first = Math.min(RAMP.length - 2, Math.floor(at));
  return `rgb(${RAMP[first].map((low, channel) => Math.round(low + (RAMP[first + 1][channel] - low) * (at - first))).join(" ")})`;
}

const ranked = (values) => values.filter((value) => !none(value)).sort((a, b) => a - b);
const quantile = (sorted, share) => sorted[Math.max(0, Math.min(sorted.length - 1, Math.floor(share * sorted.length)))];

const LIMITS = (() => {
  const depths = ranked(own.map.events.map((event) => event.depth_km));
  return { depth: [quantile(depths, 0.02), quantile(depths, 0.98)], time: [data.period.starttime, data.period.endtime] };
})();

function colourOf(group, event) {
  if (group.colour) return group.colour;
  const value = colouring.by === "depth" ? event.depth_km : event.time, [low, high] = LIMITS[colouring.by];
  return none(value) ? "var(--station)" : ramp(high > low ? (value - low) / (high - low) : 0.5);
}

function rampLegend() {
  if (compared) return null;
  const scale = element("span", { class: "ramp" });
  const button = element("button", { type: "button", onclick: () => {
    colouring.by = colouring.by === "depth" ? "time" : "depth";
    fill();
    colouring.redraws.forEach((redraw) => redraw());
  } });
  const fill = () => {
    const [low, high] = LIMITS[colouring.by], text = (value) => (colouring.by === "depth" ? `${fixed(value, 0)} km` : day(value));
    scale.replaceChildren(text(low), element("i", { style: `background:linear-gradient(to right,${RAMP.map((_, at) => ramp(at / (RAMP.length - 1))).join(",")})` }), text(high));
    button.textContent = `colour by ${colouring.by === "depth" ? "time" : "depth"}`;
  };
  if (none(LIMITS.depth[0])) colouring.by = "time";
  fill();
  return none(LIMITS.depth[0]) ? [scale] : [scale, button];
}

function tipOf(event, outcome) {
  return `${outcome} ${moment(event.time)}\nM ${fixed(event.magnitude, 1)}, depth ${fixed(event.depth_km, 1)} km` +
    (none(event.n_picks) ? "" : `, ${event.n_picks} picks`) +
    (none(event.horizontal_uncertainty_km) ? "" : `\n± ${readable(event.horizontal_uncertainty_km)} km, depth ± ${readable(event.depth_uncertainty_km)} km`) +
    (none(event.dt) ? "" : `\n${signed(event.dt)} s, ${fixed(event.distance_km, 1)} km apart`) + `\n${event.event_id}`;
}

// from the catalog's small magnitudes on: where nothing below 4 is listed, a 4 is drawn small
const SMALL = Math.max(0, (quantile(ranked(groups().flatMap((group) => group.events.map((event) => event.magnitude))), 0.05) ?? 0) - 0.5);
// thousands of events leave something to see between them
const CROWDED = Math.max(0.5, Math.min(1, Math.sqrt(800 / own.map.events.length)));
const size = (magnitude) => CROWDED * Math.max(2.2, Math.min(15, 2.5 + 2.2 * (none(magnitude) ? 0.5 : magnitude - SMALL)));

function drawEvents(frame, shown, x, y, fixedSize) {
  for (const group of shown) if (!group.hidden) for (const event of group.events) {
    const [px, py] = [x(event), y(event)];
    if (!Number.isFinite(px) || !Number.isFinite(py)) continue;
    symbol(frame, SYMBOLS[group.outcome], px, py, fixedSize || size(event.magnitude) * (frame.small ? 0.8 : 1), colourOf(group, event), tipOf(event, group.outcome));
  }
}

// what lies outside of the frame is not drawn
function clipped(frame, background) {
  const id = `clip${Math.random().toString(36).slice(2)}`, path = shape("clipPath", { id });
  const box = { x: frame.left, y: frame.top, width: frame.width, height: frame.height };
  path.append(shape("rect", box));
  const layer = shape("g", { "clip-path": `url(#${id})` });
  if (background) layer.append(shape("rect", { ...box, style: `fill:${background}` }));
  frame.svg.append(path, layer);
  return { ...frame, svg: layer };
}

// -- the map

// degrees east that go on over the date line, so that neighbours stay neighbours
function east(place) {
  const middle = (data.map_box.west + data.map_box.east) / 2;
  return place.longitude + 360 * Math.round((middle - place.longitude) / 360);
}

function narrowing() { return Math.max(0.01, Math.cos((data.map_box.south + data.map_box.north) / 2 * Math.PI / 180)); }

function drawCoast(frame) {
  const path = (lines, close) => lines.map((line) => `M${line.map(([x, y]) => `${frame.x(x).toFixed(1)} ${frame.y(y).toFixed(1)}`).join("L")}${close ? "Z" : ""}`).join("");
  const draw = (lines, close, style) => { if (lines && lines.length) frame.svg.append(shape("path", { d: path(lines, close), style })); };
  draw(coast.land, true, "fill:var(--land);fill-rule:evenodd");
  draw(coast.borders, false, "fill:none;stroke:var(--coast);stroke-width:.8;stroke-dasharray:5 3");
  draw(coast.coast, false, "fill:none;stroke:var(--coast);stroke-width:1.1");
}

function drawGrid(frame, ticks, across) {
  for (const tick of ticks) {
    const at = across ? { x1: frame.x(tick), x2: frame.x(tick), y1: frame.top, y2: frame.top + frame.height } : { x1: frame.left, x2: frame.left + frame.width, y1: frame.y(tick), y2: frame.y(tick) };
    frame.svg.append(shape("line", { ...at, style: "stroke:var(--gap);stroke-opacity:.7" }));
  }
}

function drawScale(frame) {
  const perDegree = frame.x(1) - frame.x(0), pixelsPerKm = perDegree / (KM_PER_DEGREE * narrowing());
  const most = frame.width / 4 / pixelsPerKm, power = 10 ** Math.floor(Math.log10(most));
  const km = [5, 2, 1].map((step) => step * power).find((length) => length <= most);
  const long = km * pixelsPerKm, x = frame.left + 12, y = frame.top + frame.height - 12;
  frame.svg.append(
    shape("rect", { x: x - 6, y: y - 20, width: long + 12, height: 26, rx: 4, style: "fill:var(--panel);fill-opacity:.85" }),
    shape("path", { d: `M${x} ${y - 4}V${y}H${x + long}V${y - 4}`, style: "fill:none;stroke:var(--text);stroke-width:1.4" }),
    shape("text", { x: x + long / 2, y: y - 6, "text-anchor": "middle", class: "label" }, `${km} km`));
}

function drawStations(frame, stations) {
  const taken = [];
  for (const row of stations) {
    const x = frame.x(east(row)), y = frame.y(row.latitude);
    if (x < frame.left || x > frame.left + frame.width || y < frame.top || y > frame.top + frame.height) continue;
    symbol(frame, "station", x, y, 5, COLOURS.station, station(row));
    const name = row.sta, wide = 6.4 * name.length, left = x + 7 + wide > frame.left + frame.width ? x - 7 - wide : x + 7;
    const box = [left, y - 7, left + wide, y + 5];
    if (taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) continue;
    taken.push(box);
    frame.svg.append(shape("text", { x: left, y: y + 4, class: "name" }, name));
  }
}

function mapFigure() {
  const box = data.map_box, shown = groups();
  if (!box) return null;
  const known = (compared ? data.stations : own.stations).filter((row) => !none(row.latitude));
  const y = { low: box.south, high: box.north }, x = { low: box.west, high: box.east };
  const cosine = narrowing(), aspect = Math.min(1.1, Math.max(0.45, (y.high - y.low) / ((x.high - x.low) * cosine)));
  const stations = { name: `stations (${count(known.length)})`, colour: COLOURS.station };
  let figure = null;
  const entries = [...shown, ...(known.length ? [stations] : [])];
  const legends = legend(entries, () => figure.redraw());
  legends.append(...(rampLegend() || []));
  figure = chart("", { legend: legends, aspect, unit: aspect / cosine, x: { ...x, label: "longitude (°E)", shown: (value) => 180 - ((180 - value) % 360 + 360) % 360 }, y: { ...y, label: "latitude (°N)", wide: true, bare: true } }, (frame) => {
    const inside = clipped(frame, coast.land ? "var(--water)" : null);
    drawCoast(inside);
    drawGrid(inside, frame.xTicks, true);
    drawGrid(inside, frame.yTicks, false);
    drawEvents(inside, shown, (event) => frame.x(east(event)), (event) => frame.y(event.latitude));
    if (known.length && !stations.hidden) drawStations(inside, known);
    drawScale(inside);
  });
  colouring.redraws.push(figure.redraw);
  return figure;
}

// -- depth sections

function depthFigure(title, alongEast) {
  const shown = groups(), events = shown.flatMap((group) => group.events);
  const depths = ranked(events.map((event) => event.depth_km)), box = data.map_box;
  if (!box || !depths.length || depths[0] === depths[depths.length - 1]) return null;
  const middle = alongEast ? (box.west + box.east) / 2 : (box.south + box.north) / 2;
  const perDegree = KM_PER_DEGREE * (alongEast ? narrowing() : 1);
  const half = (alongEast ? box.east - box.west : box.north - box.south) / 2 * perDegree;
  const along = (event) => ((alongEast ? east(event) : event.latitude) - middle) * perDegree;
  const top = Math.min(0, quantile(depths, 0.005)), bottom = quantile(depths, 0.995), pad = 0.06 * Math.max(1, bottom - top);
  const y = { low: top - pad, high: bottom + pad, down: true, label: "depth (km)" };
  const height = (inner) => Math.max(140, Math.min(300, inner * (y.high - y.low) / (2 * half)));
  const figure = chart(title, { x: { low: -half, high: half, label: `km ${alongEast ? "east" : "north"} of ${fixed(Math.abs(alongEast ? 180 - ((180 - middle) % 360 + 360) % 360 : middle))}°${alongEast ? (180 - ((180 - middle) % 360 + 360) % 360 < 0 ? "W" : "E") : middle < 0 ? "S" : "N"}`, grid: true }, y, height }, (frame) => {
    drawEvents(clipped(frame), shown, (event) => frame.x(along(event)), (event) => (none(event.depth_km) ? NaN : frame.y(event.depth_km)));
    const stretch = frame.height / (y.high - y.low) / (frame.width / (2 * half));
    if (Math.abs(stretch - 1) > 0.05) frame.svg.append(shape("text", { x: frame.left + frame.width - 4, y: frame.top - 1, "text-anchor": "end" }, `depth ${stretch >= 1 ? "stretched" : "shortened"} ${readable(Math.max(stretch, 1 / stretch))} times`));
  });
  colouring.redraws.push(figure.redraw);
  return figure;
}

// -- time

function timeFigure() {
  const shown = groups(), events = shown.flatMap((group) => group.events);
  const byMagnitude = events.some((event) => !none(event.magnitude)), key = byMagnitude ? "magnitude" : "depth_km";
  const values = ranked(events.map((event) => event[key]));
  if (!values.length) return null;
  const pad = byMagnitude ? 0.3 : 0.05 * Math.max(1, values[values.length - 1] - values[0]);
  const y = { low: values[0] - pad, high: values[values.length - 1] + pad, label: byMagnitude ? "magnitude" : "depth (km)", down: !byMagnitude };
  let figure = null;
  const box = compared ? legend(shown, () => figure.redraw()) : null;
  figure = chart(byMagnitude ? "Magnitude over time" : "Depth over time", { legend: box, x: timeAxis(), y, height: 250 }, (frame) => {
    drawEvents(frame, shown, (event) => frame.x(event.time), (event) => (none(event[key]) ? NaN : frame.y(event[key])), 3.2 * CROWDED);
  });
  colouring.redraws.push(figure.redraw);
  return figure;
}
