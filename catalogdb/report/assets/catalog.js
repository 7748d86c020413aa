"use strict";
// Of the catalog itself: its head, events by day, magnitudes, residuals, uncertainties and picks.

function timeAxis() {
  const { starttime: low, endtime: high } = data.period;
  return { low, high, time: true, label: day(low) === day(high - 0.001) ? `UTC, ${day(low)}` : high - low < 14 * 86400 ? `UTC, from ${day(low)}` : `UTC, ${day(low)} to ${day(high - 0.001)}` };
}

function catalogHead() {
  const events = own.events, relation = own.gutenberg_richter, { P: p, S: s } = own.picks, picks = [p, s].filter(Boolean);
  const located = events.located < events.total ? `${count(events.located)} located` : "all located";
  page.append(
    title(data.catalog),
    element("p", { class: "soft" }, `${moment(data.period.starttime)} to ${moment(data.period.endtime)} UTC; ${own.kind}.`),
    element("div", { class: "cards" },
      card(count(events.total), events.total === 1 ? "event" : "events", events.total ? located : "none in this period"),
      ...(none(events.largest_magnitude) ? [] : [card(fixed(events.largest_magnitude, 1), "largest magnitude", `${count(events.with_magnitude)} have one`)]),
      ...(relation && !none(relation.b) && !relation.is_uncertain ? [card(fixed(relation.completeness, 1), "magnitude of completeness", `b ${fixed(relation.b)} ± ${fixed(relation.b_error)}`)] : []),
      ...(picks.length ? [card(count(picks.reduce((sum, row) => sum + row.picks, 0)), "picks", [p && `P ${count(p.picks)}`, s && `S ${count(s.picks)}`].filter(Boolean).join(", "))] : []),
      ...(own.stations.length ? [card(count(own.stations.length), "stations", own.availability ? `${count(own.availability.stations.length)} with waveforms` : "no waveforms indexed")] : [])));
  if (events.total && !events.with_magnitude) page.append(element("p", { class: "soft" }, "The events have no magnitudes: symbols on the map are of one size."));
}

function rateFigure() {
  const { unit, rows } = own.rates, step = unit === "hour" ? 3600 : 86400;
  if (rows.length < 2) return null;
  const high = Math.max(...rows.map((row) => row.events));
  return chart(`Events per ${unit}`, { x: timeAxis(), y: { low: 0, high: high * 1.05, label: "events", whole: true }, height: 190 }, (frame) => {
    for (const row of rows) {
      const start = Date.parse(row.start) / 1000, left = frame.x(Math.max(start, data.period.starttime)), right = frame.x(Math.min(start + step, data.period.endtime));
      mark(frame, "rect", { x: left + (right - left) * 0.1, width: Math.max(0.8, (right - left) * 0.8), y: frame.y(row.events), height: frame.y(0) - frame.y(row.events), style: "fill:var(--p);fill-opacity:.8" },
        `${row.start.slice(0, unit === "hour" ? 16 : 10).replace("T", " ")}\n${count(row.events)} events` + (none(row.largest_magnitude) ? "" : `, largest ${fixed(row.largest_magnitude, 1)}`));
    }
  });
}

function magnitudeFigure() {
  const rows = own.magnitude_distribution, relation = own.gutenberg_richter;
  if (rows.length < 2) return null;
  const low = rows[0].magnitude - 0.15, high = rows[rows.length - 1].magnitude + 0.15, top = Math.log10(rows[0].from_here) * 1.06 + 0.05;
  const known = relation && !none(relation.b);
  const line = (magnitude) => relation.a - relation.b * magnitude;
  const text = known ? `completeness ${fixed(relation.completeness, 1)} (maximum curvature + 0.2), b ${fixed(relation.b)} ± ${fixed(relation.b_error)}, from ${count(relation.events_complete)} events` +
    (relation.is_uncertain ? ": too few to rely on" : "") : "too few events for a completeness";
  const powers = [...Array(Math.ceil(top)).keys()].flatMap((power) => [[power, String(10 ** power)], ...(top < 2.2 ? [[power + Math.log10(3), String(3 * 10 ** power)]] : [])]).filter(([at]) => at <= top);
  const entries = [{ name: "this magnitude and above", colour: COLOURS.P }, { name: "in a bin of 0.1", colour: COLOURS.station }];
  let figure = null;
  const box = legend(entries, () => figure.redraw());
  figure = chart("Magnitudes (Gutenberg and Richter)", { text, legend: box, x: { low, high, label: "magnitude" }, y: { low: -0.15, high: top, label: "events", ticks: powers }, height: 290 }, (frame) => {
    for (const row of rows) {
      const tip = `magnitude ${fixed(row.magnitude, 1)}\n${count(row.events)} events, ${count(row.from_here)} from here on`;
      if (!entries[1].hidden) symbol(frame, "triangle", frame.x(row.magnitude), frame.y(Math.log10(row.events)), 3.4, entries[1].colour, tip);
      if (!entries[0].hidden) symbol(frame, "circle", frame.x(row.magnitude), frame.y(Math.log10(row.from_here)), 3.6, entries[0].colour, tip);
    }
    if (!known) return;
    const at = relation.completeness, x = frame.x(at), inside = clipped(frame);
    mark(inside, "path", { d: `M${frame.x(at - 0.05)} ${frame.y(line(at - 0.05))}L${frame.x(high)} ${frame.y(line(high))}`, style: "fill:none;stroke:var(--s);stroke-width:2" }, `log10 N = ${fixed(relation.a)} - ${fixed(relation.b)} M`);
    mark(frame, "line", { x1: x, x2: x, y1: frame.top, y2: frame.top + frame.height, style: "stroke:var(--s);stroke-dasharray:4 3" }, `completeness ${fixed(at, 1)}`);
  });
  return figure;
}

function pickRateFigure() {
  const rows = own.picks.by_day || [];
  if (rows.length < 3) return null;
  const high = Math.max(...rows.map((row) => row.P + row.S));
  const entries = ["P", "S"].map((name) => ({ name, colour: COLOURS[name] }));
  let figure = null;
  const box = legend(entries, () => figure.redraw());
  figure = chart("Picks per day", { legend: box, x: timeAxis(), y: { low: 0, high: high * 1.05, label: "picks", whole: true, wide: high > 9999 }, height: 190 }, (frame) => {
    for (const row of rows) {
      const start = Date.parse(row.day) / 1000, left = frame.x(start), right = frame.x(start + 86400);
      let base = 0;
      for (const entry of entries) if (!entry.hidden && row[entry.name]) {
        mark(frame, "rect", { x: left + (right - left) * 0.1, width: Math.max(0.8, (right - left) * 0.8), y: frame.y(base + row[entry.name]), height: frame.y(base) - frame.y(base + row[entry.name]), style: `fill:${entry.colour};fill-opacity:.85` }, `${row.day}\nP ${count(row.P)}, S ${count(row.S)}`);
        base += row[entry.name];
      }
    }
  });
  return figure;
}

function pickTable() {
  const rows = ["P", "S"].map((phase) => [phase, own.picks[phase], own.residuals[phase]]).filter(([, picks]) => picks);
  if (!rows.length) return null;
  return table([
    { name: "phase", show: ([phase]) => phase }, { name: "picks", show: ([, picks]) => count(picks.picks) }, { name: "of events", show: ([, picks]) => count(picks.arrivals) },
    { name: "used", show: ([, picks]) => (picks.picks ? percent(Math.min(1, picks.arrivals / picks.picks), 0) : "–") },
    ...(rows.some(([, , residuals]) => residuals) ? [{ name: "median residual (s)", show: ([, , residuals]) => signed(residuals && residuals.median, 3) }, { name: "MAD (s)", show: ([, , residuals]) => fixed(residuals && residuals.mad, 3) }] : []),
  ], rows);
}

function residualFigures() {
  return grid(["P", "S"].map((phase) => histogram(`${phase} residuals`, own.residuals[phase], "s, observed less predicted")), "narrow");
}

function uncertaintyFigures() {
  return grid(Object.values(own.uncertainties).map((row) => histogram(row.name, row, "")), "narrow");
}
