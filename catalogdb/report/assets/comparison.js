"use strict";
// Of a catalog against a reference: what was found, missed and proposed.

const REASONS = {
  no_data: "no waveforms at its stations", not_picked: "no pick above the threshold", not_associated: "picked, not associated",
  associated_elsewhere: "picks associated with another event", no_reference_picks: "the reference has no picks of it",
};

function comparisonHead() {
  const gates = data.gates;
  page.append(
    title(`${data.catalog} against ${data.reference}`),
    element("p", { class: "soft" }, `${moment(data.period.starttime)} to ${moment(data.period.endtime)} UTC. Gates: origin times ${gates.max_dt} s, ` +
      `epicentres ${gates.max_km} km, picks ${gates.max_pick_dt} s; one to one.` +
      (gates.min_magnitude === null || gates.min_magnitude === undefined ? "" : ` The overall figures of events count those from magnitude ${gates.min_magnitude} on` +
        (data.events.proposed_without_magnitude ? `, and leave out ${count(data.events.proposed_without_magnitude)} proposed without magnitude` : "") + "; the others count all.")),
  );
  const both = data.picks.PS, events = data.events;
  const havePicks = both.matched + both.missed + both.wrong_phase + both.no_data + both.proposed > 0;
  page.append(element("div", { class: "cards" },
    card(percent(events.recall), "events found", `${count(events.matched)} of ${count(events.matched + events.missed)}`),
    card(count(events.proposed), "events proposed", "not in the reference, not thereby false"),
    ...(havePicks ? [
      card(percent(data.picks.P.recall), "P picks found", `${count(data.picks.P.matched)} matched`),
      card(percent(data.picks.S.recall), "S picks found", `${count(data.picks.S.matched)} matched`),
      card(percent(both.precision), "of picks confirmed", `${count(both.proposed)} proposed`),
    ] : [])));
  const rows = [["events", events], ["P picks", data.picks.P], ["S picks", data.picks.S], ["P and S", both]].slice(0, havePicks ? 4 : 1);
  const number = (name) => ({ name: name.replace("_", " "), show: ([, row]) => count(row[name]) });
  const share = (name, title) => ({ name: title, show: ([, row]) => percent(row[name]) });
  page.append(table([{ name: "", show: ([name]) => name }, number("matched"), number("missed"), number("wrong_phase"), number("no_data"), number("proposed"),
    share("recall", "recall"), share("recall_with_no_data", "recall (OGS)"), share("precision", "precision"), share("f1", "F1"), share("fdr", "FDR (OGS)")],
  rows.map(([name, row]) => [name, name === "events" ? { ...row, recall_with_no_data: row.recall } : row])));
  for (const note of data.notes) page.append(element("p", { class: "soft" }, note[0].toUpperCase() + note.slice(1) + "."));
  if (!havePicks) page.append(element("p", { class: "soft" }, "Picks were not compared: both catalogs share one pick set, one has none, or there are none in this period."));
  page.append(element("p", { class: "soft" }, "Recall is matched over matched, missed and wrong phase; what had no waveforms counts in the recall of OGS only. " +
    "Precision is matched over all that the catalog has, FDR proposed over the same. A pick of the wrong phase counts against recall."));
}

// -- time

function dailyFigure() {
  if (data.daily.length < 2) return null;
  const high = Math.max(...data.daily.map((row) => row.matched + row.missed + row.proposed));
  const entries = ["matched", "missed", "proposed"].map((name) => ({ name, colour: COLOURS[name] }));
  const low = Date.parse(data.daily[0].day) / 1000, last = Date.parse(data.daily[data.daily.length - 1].day) / 1000 + 86400;
  let figure = null;
  const box = legend(entries, () => figure.redraw());
  figure = chart("Events by day", { legend: box, x: { low, high: last, time: true, label: `UTC, from ${data.daily[0].day}` }, y: { low: 0, high: high * 1.05, label: "events", whole: true }, height: 200 }, (frame) => {
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
      mark(frame, "rect", { x: left, width: right - left, y: frame.y(row.recall), height: frame.y(0) - frame.y(row.recall), style: "fill:var(--p);fill-opacity:.55" }, tip);
      const [low, high] = row.recall_interval;
      mark(frame, "path", { d: `M${middle} ${frame.y(low)}V${frame.y(high)}M${middle - 4} ${frame.y(low)}h8M${middle - 4} ${frame.y(high)}h8`, style: "stroke:var(--text);stroke-width:1.4;fill:none" }, tip);
      if (right - left > 26) frame.svg.append(shape("text", { x: middle, y: frame.y(0) - 5, "text-anchor": "middle", class: "label" }, count(row.wanted)));
    });
  });
}

function differenceFigures() {
  const events = data.residuals.events, picks = data.residuals.picks;
  return grid([
    histogram("P picks", picks.P && picks.P.dt, "s"), histogram("S picks", picks.S && picks.S.dt, "s"), histogram("Origin times", events.dt, "s"),
    histogram("Epicentres", events.distance_km, "km apart"), histogram("Depths", events.depth_km, "km"), histogram("Magnitudes", events.magnitude, "magnitude"),
  ], "narrow");
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
      return element("td", { style: `background:color-mix(in srgb, var(--p) ${Math.round(60 * share)}%, transparent)` },
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
    const taken = []; // by labels
    for (const curve of curves) {
      if (curve.hidden) continue;
      mark(frame, "path", { d: `M${curve.rows.map((row) => `${frame.x(row.recall)} ${frame.y(row.precision)}`).join("L")}`, style: `fill:none;stroke:${curve.colour};stroke-width:2` });
      for (const row of curve.rows) {
        const tip = `${curve.name} from ${row.value} on\nrecall ${percent(row.recall)}, precision ${percent(row.precision)}`;
        symbol(frame, "circle", frame.x(row.recall), frame.y(row.precision), 3.4, curve.colour, tip);
        if (!["0.30", "0.50", "0.70", "0.90"].includes(row.value)) continue;
        const side = curve.name === "P" ? 1 : -1, x = frame.x(row.recall) + 7 * side, y = frame.y(row.precision) + (side > 0 ? -6 : 15);
        if (taken.some((other) => Math.abs(other.x - x) < 28 && Math.abs(other.y - y) < 13) || x + 26 * (side > 0) > frame.left + frame.width + 12) continue;
        taken.push({ x, y });
        frame.svg.append(shape("text", { x, y, "text-anchor": side > 0 ? "start" : "end" }, row.value));
      }
      if (curve.own) mark(frame, "circle", { cx: frame.x(curve.own.recall), cy: frame.y(curve.own.precision), r: 7, style: `fill:none;stroke:${curve.colour};stroke-width:2` }, `${curve.name} of this catalog\nrecall ${percent(curve.own.recall)}, precision ${percent(curve.own.precision)}`);
    }
  });
  return figure;
}

function comparedStationTable() {
  const rows = data.stations.filter((station) => station.PS);
  if (!rows.length) return null;
  const part = (name, phase, key, show) => ({ name, show: (row) => show(row[phase] && row[phase][key]), sort: (row) => row[phase] && row[phase][key] });
  return scrolled(table([
    { name: "station", show: station, sort: (row) => row.sta },
    { name: "P recall", show: (row) => bar(row.P && row.P.recall), sort: (row) => row.P && row.P.recall }, { name: "S recall", show: (row) => bar(row.S && row.S.recall), sort: (row) => row.S && row.S.recall },
    part("matched", "PS", "matched", count), part("missed", "PS", "missed", count), part("wrong phase", "PS", "wrong_phase", count), part("no data", "PS", "no_data", count),
    part("proposed", "PS", "proposed", count), part("precision", "PS", "precision", (share) => percent(share, 0)),
    part("P median (s)", "P", "median", signed), part("P MAD (s)", "P", "mad", fixed), part("S median (s)", "S", "median", signed), part("S MAD (s)", "S", "mad", fixed),
  ], rows, { class: "wide" }), rows);
}

// -- what is missing

function reasonsTable() {
  if (!data.reasons.length) return null;
  return table([{ name: "reason", show: (row) => REASONS[row.reason] || row.reason }, { name: "events", show: (row) => count(row.events) }], data.reasons);
}

function missedEvent(event) {
  const picks = event.picks_of_event;
  const box = element("details", {}, element("summary", {}, element("b", {}, moment(event.time)), ` M\u00a0${fixed(event.magnitude, 1)}`,
    event.reason ? element("span", { class: "tag" }, REASONS[event.reason] || event.reason) : null));
  box.append(element("p", { class: "soft" }, `${place(event)}, depth ${fixed(event.depth_km, 1)} km` +
    (event.availability === undefined ? "" : `, waveforms at ${percent(event.availability, 0)} of its picks`) + `; id ${event.event_id}`));
  if (picks.length) box.append(table([
    { name: "station", show: station }, { name: "phase", show: (row) => row.phase }, { name: "time", show: (row) => clock(row.time) },
    { name: "km", show: (row) => fixed(row.distance_km, 0) }, { name: "outcome", show: (row) => (row.outcome === "wrong_phase" ? `taken for ${row.found_phase}` : row.outcome.replace("_", " ")) },
    { name: "difference (s)", show: (row) => signed(row.dt) }, { name: "probability", show: (row) => fixed(row.probability) },
  ], picks));
  for (const picture of event.pictures || []) box.append(element("figure", {}, element("h3", {}, picture.caption), element("div", { class: "scroll" }, element("img", { src: picture.source, alt: picture.caption, loading: "lazy" }))));
  return box;
}
