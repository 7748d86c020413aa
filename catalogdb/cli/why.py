"""`catalogdb why`: where an event comes from, as a tree."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.text import Text
from rich.tree import Tree

from catalogdb.cli import common
from catalogdb.cli.console import SafeConsole
from catalogdb.documents.free import Json, Row

WIDTH_OF_PIPES = 4000


def why(
    event_id: Annotated[
        str, typer.Argument(help="Id of an event, the beginning of it, or the id that its source gave it.")
    ],
    json: common.JsonOption = False,
) -> None:
    """Show what an event is made from, down to the files: origin, picks, probability, waveforms, settings, runs."""
    from catalogdb.upkeep.lineage import lineage

    history = lineage(common.database(), event_id)
    if json:
        common.print_json(history)
    elif common.out.is_terminal:
        common.out.print(_tree(history))
    else:
        SafeConsole(width=WIDTH_OF_PIPES).print(_tree(history))  # lines of a pipe are whole


def _tree(history: Json) -> Tree:
    event, catalog = history["event"], history["catalog"]
    size = f", {event.get('magnitude_type', 'magnitude')} {event['magnitude']:.2f}" if "magnitude" in event else ""
    root = Tree(Text(f"event {event['_id']}: {_moment(event['time'])}{_place(event)}{size}", style="bold"))
    status = (event.get("evaluation_mode"), event.get("evaluation_status"))
    _add(root, f"{' and '.join(word for word in status if word)}; {_verb(event['task'])} by", event["task"])
    if event.get("source_id"):
        root.add(Text(f"source's id {event['source_id']}"))
    for source in event.get("sources", []):
        root.add(Text(_source(source)))
    _add_settings(root.add(Text(f"catalog {catalog['name']}, {catalog.get('kind', 'no longer there')}")), catalog)
    for name in ("remarks", "place"):
        if name in event:
            root.add(Text(f"{name}: {event[name]}"))
    for origin in history["origins"]:
        _add_origin(root, origin)
    for magnitude in history["magnitudes"]:
        uncertainty = f" +- {magnitude['uncertainty']:.2f}" if "uncertainty" in magnitude else ""
        stations = f" of {magnitude['n_stations']} stations" if "n_stations" in magnitude else ""
        text = f"magnitude {magnitude['type']} {magnitude['value']:.2f}{uncertainty}{stations}"
        _add(root, f"{text}; {_verb(magnitude['task'])} by" if magnitude["task"] else text, magnitude["task"])
    if found := history["event_type"]:
        _add(root, f"{_type_in_words(found)}; {_verb(found['task'])} by", found["task"])
    for pick_set in history["pick_sets"]:
        node = root.add(Text(f"pick set {pick_set['name']}, {pick_set.get('kind', 'no longer there')}"))
        _add_settings(node, pick_set)
    return root


def _type_in_words(found: Json) -> str:
    """What the waveforms say that an event was, and by how many stations."""
    said = f"type {found['type']}, suspected" if "type" in found else f"type left open ({found['decision']})"
    if "most_probable" in found:
        said += f": {found['most_probable']} with probability {found['probability']:.3f} by {found['weights']['name']}"
        said += f", votes {_flat(found['votes'])}"
    return f"{said}, {found['n_stations']} of {len(found['stations'])} stations vote"


def _add_settings(node: Tree, row: Row) -> None:
    """What made a pick set or catalog."""
    from catalogdb.picking.time_error import bias_in_words
    from catalogdb.stages.registry import names_in_order

    config = row.get("config", {})
    if "config_id" in row:
        node.add(Text(f"config {row['config_id']}, since {_date(row.get('created'))}"))
    for name in ("source", "licence", "agency_id", "repicked_from", "copied_from"):
        if name in row:
            node.add(Text(f"{name.replace('_', ' ')}: {row[name]}"))
    for file in config.get("files", []):
        node.add(Text(f"file {file['name']}, SHA-256 {file['sha256']}"))
    if picker := config.get("picker"):
        for network in picker.get("networks", []):
            node.add(Text(f"{network.get('picker')}: weights SHA-256 {network.get('weights_sha256')}"))
        node.add(Text(f"picker: {_flat(picker, without=('networks', 'time_calibration'))}"))
        if calibration := picker.get("time_calibration"):
            node.add(Text(f"time calibration {calibration['name']}: bias {bias_in_words(config)}"))
    for name in ("settings", *names_in_order(), "region", "versions"):
        if config.get(name):
            node.add(Text(f"{name}: {_flat(config[name])}"))


def _add_origin(root: Tree, origin: Json) -> None:
    rms = f", rms {origin['rms']:.2f} s" if "rms" in origin else ""
    node = root.add(Text(f"origin by {origin['method']}: {_moment(origin['time'])}{_place(origin)}{rms}"))
    if "source_file" in origin:
        node.add(Text(f"from {origin['source_file']} ({origin.get('source_format', '')})"))
    if origin["task"]:
        _add(node, f"{_verb(origin['task'])} by", origin["task"])
    for arrival in origin["arrivals"]:
        _add_arrival(node, arrival)


def _add_arrival(node: Tree, arrival: Json) -> None:
    station = ".".join(part for part in (arrival.get("net"), arrival["sta"]) if part)
    residual = f", residual {arrival['residual']:+.2f} s" if "residual" in arrival else ""
    distance = f", {arrival['distance_km']:.0f} km" if "distance_km" in arrival else ""
    branch = node.add(Text(f"{arrival['phase']} at {station} {_moment(arrival['time'])}{residual}{distance}"))
    if (pick := arrival["pick"]) is None:
        branch.add(Text(f"pick {arrival['pick_id']} is not in the database", style="yellow"))
        return
    about = [f"pick {pick['_id']} on {pick['chan']} of {pick['channel_group']}"]
    about += [f"{name} {pick[name]:.3g}" for name in ("probability", "quality", "snr") if name in pick]
    about += [f"source's id {pick['source_id']}"] if "source_id" in pick else []
    _add(branch, f"{', '.join(about)}; {_verb(pick['task'])} by", pick["task"])
    if "segments" not in pick:
        return
    _add_probability(branch, pick)
    if not pick["segments"]:
        branch.add(Text("no indexed waveforms of this sensor hold its moment now", style="yellow"))
    for segment in pick["segments"]:
        text = f"{segment['chan']} {_moment(segment['starttime'])} to {_moment(segment['endtime'])}"
        _add_file(branch.add(Text(f"{text}, {segment['nbytes']} bytes from {segment['foff']}")), segment["file"])


def _add_probability(branch: Tree, pick: Json) -> None:
    if block := pick["probability_block"]:
        largest = " ".join(f"{label} {value:.2f}" for label, value in sorted(block.get("largest", {}).items()))
        hour = datetime.fromtimestamp(block["starttime"], UTC)
        branch.add(Text(f"probability {block['_id']}: hour from {hour:%Y-%m-%dT%H:%M}, largest {largest}"))
    if peak := pick["peak"]:
        if peak["row"] is None:
            branch.add(Text(f"peaks {peak['table']}: none at its time", style="yellow"))
        else:
            known = {key: peak["values"][key] for key in ("probability", "saddle", "snr") if key in peak["values"]}
            values = ", ".join(f"{key} {value:.3f}" for key, value in known.items())
            branch.add(Text(f"peak {peak['row']} of {peak['table']}: {values}"))
    if not block and not peak:
        branch.add(Text("no probability was kept (STA/LTA has none; else pick.probability of the job)"))


def _add_file(node: Tree, file: Json | None) -> None:
    if file is None:
        node.add(Text("its file is not in the index", style="yellow"))
        return
    modified = _date(datetime.fromtimestamp(file["mtime_ns"] / 1e9, UTC)) if "mtime_ns" in file else "unknown"
    changed = file.get("as_used") is False
    text = f"{file['path']}: {file.get('size')} bytes, modified {modified}, {file['state']}"
    node.add(Text(text + (", changed since it was picked" if changed else ""), style="yellow" if changed else ""))


def _verb(task: Json | None) -> str:
    """What a task's stage did to what it wrote."""
    from catalogdb.stages.registry import verb

    return verb((task or {}).get("stage", ""))


def _add(node: Tree, text: str, task: Json | None) -> None:
    """A line that names the task behind it, and the run behind the task."""
    if task is None:
        node.add(Text(f"{text.rpartition('; ')[0] or text}: its task is no longer in the ledger"))
        return
    line = f"{text} {task['stage']} task {task['task_id']}, {_date(task.get('updated'))}"
    if run := task["run"]:
        version = run.get("versions", {}).get("catalogdb")
        line += f", in run {run['run_id']} of {run.get('job')} on {run.get('host')} (catalogdb {version})"
    node.add(Text(line))


def _source(source: Json) -> str:
    line = f", line {source['line']}" if "line" in source else ""
    number = f", event {source['id']}" if "id" in source else ""
    return f"{source['file']}{line}{number} ({source['format']})"


def _place(row: Row) -> str:
    if "latitude" not in row:
        return ", no position"
    depth = f", {row['depth_km']:.1f} km deep" if "depth_km" in row else ""
    return f", {row['latitude']:.4f} {row['longitude']:.4f}{depth}"


def _flat(values: Any, without: tuple[str, ...] = ()) -> str:
    """Settings in one line: those that are set."""
    if not isinstance(values, dict):
        return str(values)
    known = {key: value for key, value in values.items() if key not in without and value not in (None, [], {})}
    return ", ".join(f"{key} {common.as_cell(value)}" for key, value in known.items())


def _moment(time: float) -> str:
    return datetime.fromtimestamp(round(time, 3), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]


def _date(moment: datetime | None) -> str:
    return "at an unknown time" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"
