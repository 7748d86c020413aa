"use strict";
// Stations of the catalog: when they recorded, how well picks fit there, a table, and one event's records by distance.

const ROW = 14;

function stationAxis(rows) {
  const long = Math.max(...rows.map((row) => station(row).length));
  return { low: 0, high: rows.length, down: true, bare: true, margin: Math.min(110, 14 + 6.6 * long), ticks: rows.map((row, at) => [at + 0.5, station(row)]) };
}

function availabilityFigure() {
  const available = own.availability;
  if (!available || available.days < 2) return null;
  const rows = available.stations, low = available.first;
  const figure = chart("Waveforms by day", { text: "The fuller the colour, the more of the day; blank days have none.", x: { low, high: low + available.days * 86400, time: true, top: true }, y: stationAxis(rows), height: ROW * rows.length }, (frame) => {
    rows.forEach((row, at) => {
      for (const [first, days, part] of row.runs) {
        const left = frame.x(low + first * 86400), right = frame.x(low + (first + days) * 86400);
        mark(frame, "rect", { x: left, width: Math.max(1, right - left), y: frame.y(at + 0.15), height: frame.y(0.7) - frame.y(0), style: `fill:var(--p);fill-opacity:${(0.2 + 0.75 * part).toFixed(2)}` },
          `${station(row)}\n${day(low + first * 86400)}${days > 1 ? ` to ${day(low + (first + days - 1) * 86400)}` : ""}: ${percent(part, 0)}`);
      }
    });
  });
  return scrolled(figure, rows);
}

// long lists move within a box of their own
function scrolled(box, rows) {
  if (rows.length > 40) box.classList.add("tall");
  return box;
}

function stationResidualFigure() {
  const rows = own.stations.filter((row) => ["P", "S"].some((phase) => row[phase] && !none(row[phase].residual_median)));
  if (!rows.length) return null;
  const ends = ranked(rows.flatMap((row) => ["P", "S"].flatMap((phase) => (row[phase] && !none(row[phase].residual_median) ? [Math.abs(row[phase].residual_median) + (row[phase].residual_mad || 0)] : []))));
  const reach = Math.max(0.05, 1.1 * quantile(ends, 0.98));
  const entries = ["P", "S"].map((name) => ({ name, colour: COLOURS[name] }));
  let figure = null;
  const box = legend(entries, () => figure.redraw());
  figure = chart("Residuals by station", { text: "Dots are medians, bars reach one median absolute deviation to either side.", legend: box, x: { low: -reach, high: reach, label: "s, observed less predicted", grid: true, top: true }, y: stationAxis(rows), height: ROW * rows.length }, (frame) => {
    const inside = clipped(frame);
    rows.forEach((row, at) => entries.forEach((entry, which) => {
      const found = row[entry.name];
      if (entry.hidden || !found || none(found.residual_median)) return;
      const y = frame.y(at + (which ? 0.66 : 0.34)), middle = found.residual_median, mad = found.residual_mad || 0;
      const tip = `${station(row)} ${entry.name}\nmedian ${signed(middle, 3)} s, MAD ${fixed(mad, 3)} s\n${count(found.arrivals)} arrivals`;
      mark(inside, "path", { d: `M${frame.x(middle - mad)} ${y}H${frame.x(middle + mad)}`, style: `stroke:${entry.colour};stroke-width:2;stroke-opacity:.55` }, tip);
      symbol(inside, "circle", frame.x(middle), y, 2.6, entry.colour, tip);
    }));
    mark(frame, "line", { x1: frame.x(0), x2: frame.x(0), y1: frame.top, y2: frame.top + frame.height, style: "stroke:var(--muted);stroke-width:1" });
  });
  return scrolled(figure, rows);
}

function ownStationTable() {
  const rows = own.stations;
  if (!rows.length) return null;
  const part = (name, phase, key, show) => ({ name, show: (row) => show(row[phase] && row[phase][key]), sort: (row) => row[phase] && row[phase][key] });
  const any = (phase, key) => rows.some((row) => row[phase] && !none(row[phase][key]));
  return scrolled(table([
    { name: "station", show: station, sort: (row) => row.sta },
    ...(own.availability ? [{ name: "with data", show: (row) => bar(row.availability), sort: (row) => row.availability }] : []),
    ...["P", "S"].flatMap((phase) => [
      ...(any(phase, "picks") ? [part(`${phase} picks`, phase, "picks", count)] : []),
      ...(any(phase, "arrivals") ? [part(`${phase} in events`, phase, "arrivals", count)] : []),
      ...(any(phase, "residual_median") ? [part(`${phase} median (s)`, phase, "residual_median", signed), part(`${phase} MAD (s)`, phase, "residual_mad", fixed)] : []),
    ]),
  ], rows, { class: "wide" }), rows);
}

// -- records of one event by distance

function recordFigure() {
  const record = data.record_section;
  if (!record) return null;
  const traces = record.traces, [low, high] = record.seconds;
  const distances = traces.map((trace) => trace.distance_km), span = Math.max(1, distances[distances.length - 1] - distances[0]);
  const y = { low: distances[0] - 0.08 * span, high: distances[distances.length - 1] + 0.06 * span, down: true, label: "distance (km)" };
  const text = `${record.title}; ${record.band_hz ? `${record.band_hz[0]} to ${record.band_hz[1]} Hz` : "not filtered"}, each trace by its own largest sample. Lines are picks of this event, dashes other picks, dots what the velocity model predicts.`;
  const entries = [{ name: "P", colour: COLOURS.P }, { name: "S", colour: COLOURS.S }, { name: "predicted", colour: "var(--muted)" }];
  let figure = null;
  const box = legend(entries, () => figure.redraw());
  figure = chart("Record section", { text, legend: box, x: { low, high, label: "s after the origin time", grid: true }, y, height: () => Math.max(260, Math.min(640, 60 + 26 * traces.length)) }, (frame) => {
    const inside = clipped(frame), up = Math.max(7, Math.min(22, 0.55 * frame.height / traces.length));
    const taken = [];
    for (const trace of traces) {
      const middle = frame.y(trace.distance_km), name = `${station(trace)} ${trace.channel}`, tip = `${name}, ${fixed(trace.distance_km, 1)} km`;
      for (const line of trace.lines) {
        let path = "";
        for (let at = 0; at < line.length; at += 2) path += `${at ? "L" : "M"}${frame.x(line[at]).toFixed(1)} ${(middle - line[at + 1] / 100 * up).toFixed(1)}`;
        mark(inside, "path", { d: path, style: "fill:none;stroke:var(--waveform);stroke-width:.7" }, tip);
      }
      for (const arrival of trace.arrivals) {
        const predicted = arrival.kind === "predicted", entry = entries[arrival.phase === "P" ? 0 : 1];
        if (entry.hidden || (predicted && entries[2].hidden)) continue;
        const x = frame.x(arrival.time), half = predicted ? up * 0.9 : up * 0.75;
        mark(inside, "line", { x1: x, x2: x, y1: middle - half, y2: middle + half, style: `stroke:${entry.colour};stroke-width:${predicted ? 1 : 2};stroke-dasharray:${predicted ? "2 2" : arrival.is_of_event ? "none" : "3 2"}` },
          `${tip}\n${arrival.phase} ${predicted ? "predicted" : arrival.is_of_event ? "of this event" : "of another event or none"}, ${fixed(arrival.time)} s`);
      }
      if (taken.every((other) => Math.abs(other - middle) > 11)) {
        taken.push(middle);
        frame.svg.append(shape("text", { x: frame.left + frame.width - 3, y: middle - 3, "text-anchor": "end", class: "name" }, station(trace)));
      }
    }
  });
  return figure;
}
