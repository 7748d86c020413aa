"use strict";
// Builds the page from the JSON inside it.

const data = JSON.parse(document.getElementById("data").textContent);
const page = document.getElementById("report");
const COLOURS = { matched: "var(--matched)", missed: "var(--missed)", proposed: "var(--proposed)", station: "var(--station)" };
const SYMBOLS = { matched: "circle", missed: "cross", proposed: "triangle" };
const REASONS = {
  no_data: "no waveforms at its stations", not_picked: "no pick above the threshold", not_associated: "picked, not associated",
  associated_elsewhere: "picks associated with another event", no_reference_picks: "the reference has no picks of it",
};

const percent = (share, digits = 1) => (share === null || share === undefined ? "–" : `${(100 * share).toFixed(digits)} %`);
const fixed = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toFixed(digits));
const signed = (value, digits = 2) => (value === null || value === undefined ? "–" : `${value > 0 ? "+" : ""}${value.toFixed(digits)}`);
const count = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en"));
const clock = (time) => new Date(10 * Math.round(100 * time)).toISOString().slice(11, 22);
const moment = (time) => new Date(time * 1000).toISOString().slice(0, 19).replace("T", " ");
const interval = (pair) => (pair ? `95 %: ${(100 * pair[0]).toFixed(1)} to ${(100 * pair[1]).toFixed(1)} %` : "");

function section(title, text, ...content) {
  page.append(element("h2", {}, title));
  if (text) page.append(element("p", { class: "soft" }, text));
  page.append(...content.filter(Boolean));
}

function grid(...figures) { return element("div", { class: "grid" }, ...figures); }

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
        if (first === undefined || first === null) return 1;
        if (second === undefined || second === null) return -1;
        return order * (first < second ? -1 : first > second ? 1 : 0);
      }));
    } }, column.name));
  });
  fill(rows);
  return element("div", { class: "scroll" }, element("table", attributes, element("thead", {}, element("tr", {}, ...heads)), body));
}

// -- head

function head() {
  const gates = data.gates;
  page.append(
    element("h1", {}, `${data.catalog} against ${data.reference}`),
    element("p", { class: "soft" }, `${moment(data.period.starttime)} to ${moment(data.period.endtime)} UTC. Gates: origin times ${gates.max_dt} s, ` +
      `epicentres ${gates.max_km} km, picks ${gates.max_pick_dt} s; one to one.` +
      (gates.min_magnitude === null || gates.min_magnitude === undefined ? "" : ` The overall figures of events count those from magnitude ${gates.min_magnitude} on` +
        (data.events.proposed_without_magnitude ? `, and leave out ${count(data.events.proposed_without_magnitude)} proposed without magnitude` : "") + "; the others count all.")),
  );
  const both = data.picks.PS, events = data.events;
  const compared = both.matched + both.missed + both.wrong_phase + both.no_data + both.proposed > 0;
  const card = (value, name, more) => element("div", { class: "card" }, element("b", {}, value), element("span", {}, name, element("br"), more || ""));
  page.append(element("div", { class: "cards" },
    card(percent(events.recall), "events found", `${count(events.matched)} of ${count(events.matched + events.missed)}`),
    card(count(events.proposed), "events proposed", "not in the reference, not thereby false"),
    ...(compared ? [
      card(percent(data.picks.P.recall), "P picks found", `${count(data.picks.P.matched)} matched`),
      card(percent(data.picks.S.recall), "S picks found", `${count(data.picks.S.matched)} matched`),
      card(percent(both.precision), "of picks confirmed", `${count(both.proposed)} proposed`),
    ] : [])));
  const rows = [["events", events], ["P picks", data.picks.P], ["S picks", data.picks.S], ["P and S", both]].slice(0, compared ? 4 : 1);
  const number = (name) => ({ name: name.replace("_", " "), show: ([, row]) => count(row[name]) });
  const share = (name, title) => ({ name: title, show: ([, row]) => percent(row[name]) });
  page.append(table([{ name: "", show: ([name]) => name }, number("matched"), number("missed"), number("wrong_phase"), number("no_data"), number("proposed"),
    share("recall", "recall"), share("recall_with_no_data", "recall (OGS)"), share("precision", "precision"), share("f1", "F1"), share("fdr", "FDR (OGS)")],
  rows.map(([name, row]) => [name, name === "events" ? { ...row, recall_with_no_data: row.recall } : row])));
  for (const note of data.notes) page.append(element("p", { class: "soft" }, note[0].toUpperCase() + note.slice(1) + "."));
  if (!compared) page.append(element("p", { class: "soft" }, "Picks were not compared: both catalogs share one pick set, one has none, or there are none in this period."));
  page.append(element("p", { class: "soft" }, "Recall is matched over matched, missed and wrong phase; what had no waveforms counts in the recall of OGS only. " +
    "Precision is matched over all that the catalog has, FDR proposed over the same. A pick of the wrong phase counts against recall."));
}

// -- map and time

function tipOf(event, outcome) {
  return `${outcome} ${moment(event.time)}\nM ${fixed(event.magnitude, 1)}, depth ${fixed(event.depth_km, 1)} km` +
    (event.dt === undefined ? "" : `\n${signed(event.dt)} s, ${fixed(event.distance_km, 1)} km apart`) + `\n${event.event_id}`;
}

const size = (magnitude) => Math.max(2.2, Math.min(15, 2.5 + 2.2 * (magnitude ?? 0.5)));

function outcomes() {
  // the missed ones are few, and drawn last
  return ["matched", "proposed", "missed"].map((name) => [name, data.map[name]]).map(([name, group]) => ({
    name: `${name} (${count(group.total)}${group.total > group.events.length ? `, the ${count(group.events.length)} largest shown` : ""})`,
    outcome: name, colour: COLOURS[name], events: group.events,
  }));
}

function mapFigure() {
  const groups = outcomes();
  const stations = data.stations.filter((station) => station.latitude !== undefined);
  const events = groups.flatMap((group) => group.events);
  const inner = (values, share) => values[Math.min(values.length - 1, Math.floor(share * values.length))];
  const latitudes = events.map((event) => event.latitude).sort((a, b) => a - b);
  // degrees east that go on over the date line, so that neighbours stay neighbours
  const east = (place) => place.longitude + 360 * Math.round((data.map_longitude - place.longitude) / 360);
  const longitudes = events.map(east).sort((a, b) => a - b);
  if (!latitudes.length) return null;
  // a few events far away must not shrink the rest to a dot
  const around = (values) => {
    const [low, high] = [inner(values, 0.005), inner(values, 0.995)];
    const pad = Math.max(0.12, 0.5 - (high - low) / 2);
    return { low: low - pad, high: high + pad };
  };
  const y = around(latitudes), x = around(longitudes);
  const cosine = Math.cos((y.low + y.high) / 2 * Math.PI / 180);
  const aspect = Math.min(1.1, Math.max(0.45, (y.high - y.low) / ((x.high - x.low) * cosine)));
  const entries = [...groups, { name: `stations (${stations.length})`, colour: COLOURS.station, stations }];
  let figure = null;
  const box = legend(entries, () => figure.redraw());
  figure = chart("", { legend: box, aspect, unit: aspect / cosine, x: { ...x, label: "longitude (°E)", grid: true, shown: (value) => 180 - ((180 - value) % 360 + 360) % 360 }, y: { ...y, label: "latitude (°N)", wide: true } }, (frame) => {
    const clip = `clip${Math.round(frame.width)}`;
    const path = shape("clipPath", { id: clip });
    const left = frame.svg.viewBox.baseVal.width - frame.width - 12;
    path.append(shape("rect", { x: left, y: 10, width: frame.width, height: frame.height }));
    const layer = shape("g", { "clip-path": `url(#${clip})` });
    frame.svg.append(path, layer);
    const inside = { ...frame, svg: layer };
    if (!entries[entries.length - 1].hidden) for (const station of stations) symbol(inside, "station", frame.x(east(station)), frame.y(station.latitude), 5, COLOURS.station, `${station.net}.${station.sta}`);
    for (const group of groups) if (!group.hidden) for (const event of group.events)
      symbol(inside, SYMBOLS[group.outcome], frame.x(east(event)), frame.y(event.latitude), size(event.magnitude) * (frame.small ? 0.8 : 1), group.colour, tipOf(event, group.outcome));
  });
  return figure;
}

function timeFigure() {
  const groups = outcomes();
  const known = groups.flatMap((group) => group.events.filter((event) => event.magnitude !== undefined));
  if (!known.length) return null;
  const magnitudes = known.map((event) => event.magnitude);
  const y = { low: Math.min(...magnitudes) - 0.3, high: Math.max(...magnitudes) + 0.3, label: "magnitude" };
  let figure = null;
  const box = legend(groups, () => figure.redraw());
  figure = chart("Magnitude over time", { legend: box, x: { low: data.period.starttime, high: data.period.endtime, time: true }, y, height: 250 }, (frame) => {
    for (const group of groups) if (!group.hidden) for (const event of group.events)
      if (event.magnitude !== undefined) symbol(frame, SYMBOLS[group.outcome], frame.x(event.time), frame.y(event.magnitude), 3.2, group.colour, tipOf(event, group.outcome));
  });
  return figure;
}

function dailyFigure() {
  if (data.daily.length < 2) return null;
  const high = Math.max(...data.daily.map((row) => row.matched + row.missed + row.proposed));
  const entries = ["matched", "missed", "proposed"].map((name) => ({ name, colour: COLOURS[name] }));
  const low = Date.parse(data.daily[0].day) / 1000, last = Date.parse(data.daily[data.daily.length - 1].day) / 1000 + 86400;
  let figure = null;
  const box = legend(entries, () => figure.redraw());
  figure = chart("Events by day", { legend: box, x: { low, high: last, time: true }, y: { low: 0, high: high * 1.05, label: "events" }, height: 200 }, (frame) => {
    for (const row of data.daily) {
      const start = Date.parse(row.day) / 1000;
      const [left, right] = [frame.x(start), frame.x(start + 86400)];
      let base = 0;
      for (const entry of entries) {
        if (entry.hidden || !row[entry.name]) continue;
        mark(frame, "rect", { x: left + (right - left) * 0.1, width: Math.max(0.8, (right - left) * 0.8), y: frame.y(base + row[entry.name]), height: frame.y(base) - frame.y(base + row[entry.name]), style: `fill:${entry.colour}` },
          `${row.day}\n${count(row.matched)} matched, ${count(row.missed)} missed, ${count(row.proposed)} proposed`);
        base += row[entry.name];
      }
    }
  });
  return figure;
}

// -- recall by class

function recallFigure(title, rows, label) {
  const known = rows.filter((row) => row.wanted && row.value !== "unknown");
  if (!known.length) return null;
  return chart(title, { x: { low: 0, high: known.length, names: known.map((row) => row.value), nameWidth: 9 + 7.2 * Math.max(...known.map((row) => row.value.length)), label }, y: { low: 0, high: 1, label: "recall" }, height: 210 }, (frame) => {
    known.forEach((row, at) => {
      const middle = frame.x(at + 0.5), half = Math.min(32, frame.x(at + 0.85) - middle);
      const [left, right] = [middle - half, middle + half];
      const tip = `${row.value}: ${percent(row.recall)}\n${count(row.matched)} of ${count(row.wanted)}\n${interval(row.recall_interval)}`;
      mark(frame, "rect", { x: left, width: right - left, y: frame.y(row.recall), height: frame.y(0) - frame.y(row.recall), style: "fill:var(--matched);fill-opacity:.55" }, tip);
      const [low, high] = row.recall_interval;
      mark(frame, "path", { d: `M${middle} ${frame.y(low)}V${frame.y(high)}M${middle - 4} ${frame.y(low)}h8M${middle - 4} ${frame.y(high)}h8`, style: "stroke:var(--ink);stroke-width:1.4;fill:none" }, tip);
      if (right - left > 26) frame.svg.append(shape("text", { x: middle, y: frame.y(0) - 5, "text-anchor": "middle", class: "label" }, count(row.wanted)));
    });
  });
}

// -- residuals

function residualFigure(title, statistics, unit) {
  const drawn = statistics && statistics.histogram;
  if (!drawn) return null;
  const high = Math.max(...drawn.counts, 1);
  const end = drawn.low + drawn.width * drawn.counts.length;
  const outside = drawn.below + drawn.above;
  return chart(title, { x: { low: drawn.low, high: end, label: unit }, y: { low: 0, high: high * 1.08, wide: high > 9999 }, height: 165 }, (frame) => {
    drawn.counts.forEach((number, at) => {
      if (!number) return;
      const left = frame.x(drawn.low + at * drawn.width), right = frame.x(drawn.low + (at + 1) * drawn.width);
      mark(frame, "rect", { x: left, width: Math.max(0.8, right - left - 0.7), y: frame.y(number), height: frame.y(0) - frame.y(number), style: "fill:var(--matched);fill-opacity:.8" },
        `${fixed(drawn.low + at * drawn.width, 3)} to ${fixed(drawn.low + (at + 1) * drawn.width, 3)}: ${count(number)}`);
    });
    const middle = frame.x(statistics.median);
    mark(frame, "line", { x1: middle, x2: middle, y1: frame.y(0), y2: frame.y(high * 1.05), style: "stroke:var(--missed);stroke-width:1.6;stroke-dasharray:4 3" });
    const text = `median ${signed(statistics.median)}  MAD ${fixed(statistics.mad)}  95 % < ${fixed(statistics.p95)}` + (outside ? `  (${count(outside)} outside)` : "");
    frame.svg.append(shape("text", { x: frame.x(end), y: 8, "text-anchor": "end" }, text));
  });
}

// -- picks

function confusionTable() {
  if (!data.confusion.P) return null;
  const columns = ["P", "S", "none", "no data"];
  const rows = ["P", "S", "none"].map((name) => element("tr", {}, element("td", {}, name === "none" ? "not in the reference" : `${name} of the reference`),
    ...columns.map((column) => {
      const value = data.confusion[name][column];
      const total = columns.reduce((sum, key) => sum + (data.confusion[name][key] || 0), 0);
      const share = value === undefined || name === "none" ? 0 : value / Math.max(1, total);
      return element("td", { style: `background:color-mix(in srgb, var(--matched) ${Math.round(60 * share)}%, transparent)` },
        value === undefined ? "" : count(value), ...(value === undefined || name === "none" ? [] : [element("br"), element("span", { class: "soft" }, percent(share))]));
    })));
  return element("figure", {}, element("h3", {}, "What became of which phase (columns: the catalog)"), element("div", { class: "scroll" },
    element("table", { class: "heat" }, element("thead", {}, element("tr", {}, element("th", {}, ""), ...columns.map((column) => element("th", {}, column)))), element("tbody", {}, ...rows))));
}

function thresholdFigure() {
  const curves = ["P", "S"].map((phase, at) => ({ name: phase, colour: at ? COLOURS.missed : COLOURS.matched, rows: data.precision_recall.filter((row) => row.phase === phase && row.recall !== undefined && row.precision !== undefined) })).filter((curve) => curve.rows.length > 1);
  if (!curves.length) return null;
  for (const curve of curves) curve.own = [data.picks[curve.name]].find((own) => own && Number.isFinite(own.recall) && Number.isFinite(own.precision));
  const values = curves.flatMap((curve) => (curve.own ? [...curve.rows, curve.own] : curve.rows));
  const low = (key) => Math.max(0, Math.floor(10 * Math.min(...values.map((row) => row[key]))) / 10);
  let figure = null;
  const box = legend(curves, () => figure.redraw());
  figure = chart("Precision and recall by threshold of probability", { legend: box, x: { low: low("recall"), high: 1, label: "recall", grid: true }, y: { low: low("precision"), high: 1.01, label: "precision" }, height: 260 }, (frame) => {
    for (const curve of curves) {
      if (curve.hidden) continue;
      mark(frame, "path", { d: `M${curve.rows.map((row) => `${frame.x(row.recall)} ${frame.y(row.precision)}`).join("L")}`, style: `fill:none;stroke:${curve.colour};stroke-width:2` });
      for (const row of curve.rows) {
        const tip = `${curve.name} from ${row.value} on\nrecall ${percent(row.recall)}, precision ${percent(row.precision)}`;
        symbol(frame, "circle", frame.x(row.recall), frame.y(row.precision), 3.4, curve.colour, tip);
        if (["0.30", "0.50", "0.70", "0.90"].includes(row.value)) frame.svg.append(shape("text", { x: frame.x(row.recall) + (curve.name === "P" ? 7 : -7), y: frame.y(row.precision) + (curve.name === "P" ? -6 : 15), "text-anchor": curve.name === "P" ? "start" : "end" }, row.value));
      }
      if (curve.own) mark(frame, "circle", { cx: frame.x(curve.own.recall), cy: frame.y(curve.own.precision), r: 7, style: `fill:none;stroke:${curve.colour};stroke-width:2` }, `${curve.name} of this catalog\nrecall ${percent(curve.own.recall)}, precision ${percent(curve.own.precision)}`);
    }
  });
  return figure;
}

function stationTable() {
  const rows = data.stations.filter((station) => station.PS);
  if (!rows.length) return null;
  const bar = (phase) => (row) => {
    const share = row[phase] && row[phase].recall;
    return share === null || share === undefined ? "–" : [element("span", { class: "bar", style: `width:${(2.6 * share).toFixed(2)}rem` }), percent(share, 0)];
  };
  const part = (name, phase, key, show) => ({ name, show: (row) => show(row[phase] && row[phase][key]), sort: (row) => row[phase] && row[phase][key] });
  return table([
    { name: "station", show: (row) => (row.net ? `${row.net}.${row.sta}` : row.sta), sort: (row) => row.sta },
    { name: "P recall", show: bar("P"), sort: (row) => row.P && row.P.recall }, { name: "S recall", show: bar("S"), sort: (row) => row.S && row.S.recall },
    part("matched", "PS", "matched", count), part("missed", "PS", "missed", count), part("wrong phase", "PS", "wrong_phase", count), part("no data", "PS", "no_data", count),
    part("proposed", "PS", "proposed", count), part("precision", "PS", "precision", (share) => percent(share, 0)),
    part("P median (s)", "P", "median", signed), part("P MAD (s)", "P", "mad", fixed), part("S median (s)", "S", "median", signed), part("S MAD (s)", "S", "mad", fixed),
  ], rows, { class: "wide" });
}

// -- what is missing

function reasonsTable() {
  if (!data.reasons.length) return null;
  return table([{ name: "reason", show: (row) => REASONS[row.reason] || row.reason }, { name: "events", show: (row) => count(row.events) }], data.reasons);
}

function missedEvent(event) {
  const picks = event.picks_of_event;
  const box = element("details", {}, element("summary", {}, element("b", {}, moment(event.time)), ` M ${fixed(event.magnitude, 1)}`,
    event.reason ? element("span", { class: "tag" }, REASONS[event.reason] || event.reason) : null));
  box.append(element("p", { class: "soft" }, `${fixed(event.latitude, 3)}°N ${fixed(event.longitude, 3)}°E, depth ${fixed(event.depth_km, 1)} km` +
    (event.availability === undefined ? "" : `, waveforms at ${percent(event.availability, 0)} of its picks`) + `; id ${event.event_id}`));
  if (picks.length) box.append(table([
    { name: "station", show: (row) => (row.net ? `${row.net}.${row.sta}` : row.sta) }, { name: "phase", show: (row) => row.phase }, { name: "time", show: (row) => clock(row.time) },
    { name: "km", show: (row) => fixed(row.distance_km, 0) }, { name: "outcome", show: (row) => (row.outcome === "wrong_phase" ? `taken for ${row.found_phase}` : row.outcome.replace("_", " ")) },
    { name: "difference (s)", show: (row) => signed(row.dt) }, { name: "probability", show: (row) => fixed(row.probability) },
  ], picks));
  for (const picture of event.pictures || []) box.append(element("figure", {}, element("h3", {}, picture.caption), element("img", { src: picture.source, alt: picture.caption, loading: "lazy" })));
  return box;
}

head();
section("Map", "", mapFigure());
section("Time", "", element("div", { class: "grid whole" }, ...[timeFigure(), dailyFigure()].filter(Boolean)));
section("Recall", "Bars with Wilson intervals at 95 %; the numbers at their feet are how many there were to find.", grid(
  recallFigure("Events by magnitude", data.events_by.magnitude, "magnitude"),
  recallFigure("Events by depth", data.events_by.depth, "depth (km)"),
  recallFigure("Events by availability of waveforms", data.events_by.availability, "share of their picks"),
  ...["P", "S"].flatMap((phase) => [
    recallFigure(`${phase} picks by distance`, data.picks_by.distance.filter((row) => row.phase === phase), "epicentral distance (km)"),
    recallFigure(`${phase} picks by magnitude`, data.picks_by.magnitude.filter((row) => row.phase === phase), "magnitude of their event"),
  ]), recallFigure("Picks by hour of the day", data.picks_by.hour.filter((row) => row.phase === "PS"), "UTC hour")));
const ofEvents = data.residuals.events, ofPicks = data.residuals.picks;
const residuals = element("div", { class: "grid narrow" }, ...[
  residualFigure("P picks", ofPicks.P && ofPicks.P.dt, "s"), residualFigure("S picks", ofPicks.S && ofPicks.S.dt, "s"),
  residualFigure("Origin times", ofEvents.dt, "s"), residualFigure("Epicentres", ofEvents.distance_km, "km apart"),
  residualFigure("Depths", ofEvents.depth_km, "km"), residualFigure("Magnitudes", ofEvents.magnitude, "magnitude"),
].filter(Boolean));
if (residuals.children.length) section("Residuals", "Catalog less reference, of what is matched.", residuals);
const phases = [confusionTable(), thresholdFigure()].filter(Boolean);
if (phases.length) section("Phases and thresholds", data.precision_recall.some((row) => row.source === "peaks")
  ? "Each dot is what picks from a probability on would reach, P and S alike, chosen and paired again from the peaks that were kept; the rings are the picks as they are."
  : "Each dot is what would be, had only picks from a probability on been kept, without pairing again; the rings are the picks as they are.", grid(...phases));
const stations = stationTable();
if (stations) section("Stations", "Click a heading to sort.", stations);
const missedTotal = data.map.missed.total;
if (data.missed_events.length) section("Missed events", `${count(missedTotal)} located events of the reference are missing; shown are ${count(data.missed_events.length)}, the largest first. ` +
  "The reason is the step at which most of an event's picks were lost.", reasonsTable(), ...data.missed_events.map(missedEvent));
