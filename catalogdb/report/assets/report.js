"use strict";
// Builds the page from the JSON inside it: what is of a comparison where there is a reference, and the catalog's own in any case.

function recallFigures() {
  return grid([
    recallFigure("Events by magnitude", data.events_by.magnitude, "magnitude"),
    recallFigure("Events by depth", data.events_by.depth, "depth (km)"),
    recallFigure("Events by availability of waveforms", data.events_by.availability, "share of their picks"),
    ...["P", "S"].flatMap((phase) => [
      recallFigure(`${phase} picks by distance`, data.picks_by.distance.filter((row) => row.phase === phase), "epicentral distance (km)"),
      recallFigure(`${phase} picks by magnitude`, data.picks_by.magnitude.filter((row) => row.phase === phase), "magnitude of their event"),
    ]), recallFigure("Picks by hour of the day", data.picks_by.hour.filter((row) => row.phase === "PS"), "UTC hour")]);
}

function comparisonSections() {
  section("Recall", "Bars with Wilson intervals at 95 %; the numbers at their feet are how many there were to find.", recallFigures());
  section("Differences", "Catalog less reference, of what is matched.", differenceFigures());
  section("Phases and thresholds", data.precision_recall.some((row) => row.source === "peaks")
    ? "Each dot is what picks from a probability on would reach, P and S alike, chosen and paired again from the peaks that were kept; the rings are the picks as they are."
    : "Each dot is what would be, had only picks from a probability on been kept, without pairing again; the rings are the picks as they are.", grid([confusionTable(), thresholdFigure()]));
  section("Stations of the comparison", "Click a heading to sort.", comparedStationTable());
  if (data.missed_events.length) section("Missed events", `${count(data.map.missed.total)} located events of the reference are missing; shown are ${count(data.missed_events.length)}, the largest first. ` +
    "The reason is the step at which most of an event's picks were lost.", reasonsTable(), ...data.missed_events.map(missedEvent));
}

function catalogSections() {
  section("Magnitudes", "", magnitudeFigure());
  section("Picks", "", pickTable(), grid([pickRateFigure()], "whole"));
  section("Residuals", "Of the arrivals of preferred origins.", residualFigures(), stationResidualFigure());
  section("Locations", "Of preferred origins; uncertainties are one standard deviation.", uncertaintyFigures());
  section("Stations", "Click a heading to sort.", availabilityFigure(), ownStationTable());
  section("Records of an event", "", recordFigure());
}

compared ? comparisonHead() : catalogHead();
section("Map", "", mapFigure());
section("Depth", "", grid([depthFigure("West to east", true), depthFigure("South to north", false)]));
section("Time", "", grid([timeFigure(), compared ? dailyFigure() : rateFigure()], "whole"));
if (compared) comparisonSections();
catalogSections();
if (coast.land) page.append(element("p", { class: "soft source" }, "Coastlines and borders: Natural Earth, 1 to 50 million."));
