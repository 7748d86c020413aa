"""Figures of a catalog's spectral features, from what is stored."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pymongo.database import Database

from catalogdb.database.named import require_catalog
from catalogdb.errors import InputError
from catalogdb.features.config import FeaturesConfig
from catalogdb.ledger.beside import that_count
from catalogdb.output_file import write_atomically
from catalogdb.plots.picture_files import check_picture
from catalogdb.times import format_time


def write_clusters(
    db: Database, catalog: str, output: Path, theme: Literal["light", "dark"] = "light"
) -> dict[str, Any]:
    """Draw the clusters of a catalog; returns what was drawn, as plain data.

    Raises:
        InputError: where the catalog has no features, or the file can't be written.
    """
    from catalogdb.plots.features import cluster_figure, cluster_picture
    from catalogdb.plots.theme import THEMES

    check_picture(output)
    model = _model(db, catalog)
    fields = {"map": 1, "cluster": 1, "_id": 0}
    features = list(db.feature.find({"catalog": catalog}, fields).sort("time", 1))
    stations = ", ".join(f"{row['net']}.{row['sta']}" for row in model["stations"])
    title = f"{catalog}: {len(features)} events by their spectral features, {stations}"
    content = cluster_picture(cluster_figure(title, model, features), output.suffix[1:].lower(), THEMES[theme])
    size = write_atomically(output, lambda stream: stream.write(content))
    sizes = {str(row["cluster"]): row["n_events"] for row in model["clusters"]}
    return {"output": str(output), "bytes": size, "title": title, "events": len(features), "clusters": sizes}


def write_event(
    db: Database,
    catalog: str,
    event: str,
    station: str | None,
    output: Path,
    theme: Literal["light", "dark"] = "light",
) -> dict[str, Any]:
    """Draw one event of a catalog at a station, none: the one with the best signal; returns what was drawn.

    Raises:
        InputError: where there are no such features, or the file can't be written.
        WaveformUnavailable: where its waveforms can't be read.
    """
    from catalogdb.features import markov
    from catalogdb.features.extract import model_of, pattern_sequences
    from catalogdb.features.spectrograms import Arrival, LeftOut
    from catalogdb.plots.features import EventFigure, event_picture
    from catalogdb.plots.theme import THEMES
    from catalogdb.stages.feature_inputs import spectrogram_around

    check_picture(output)
    model, feature = _model(db, catalog), _feature(db, catalog, event)
    row = _station(feature, station)
    config = _config(db, catalog)
    arrival = Arrival(feature["event_id"], feature["time"], row["net"], row["sta"], row["p_time"])
    try:
        spectrogram = spectrogram_around(db, arrival, config)
    except LeftOut as left_out:
        raise InputError(
            f"event {feature['event_id']}, {row['net']}.{row['sta']}: no spectrogram any more: {left_out}",
            hint=f"catalogdb status --stale; the waveforms have changed since {catalog!r} was made",
        ) from None
    patterns, states = model_of(model)
    sequence = pattern_sequences(spectrogram.decibels[None], patterns)
    title = f"{format_time(feature['time'])[:19]}, event {feature['event_id'][:8]} at {row['channel_group']}"
    figure = EventFigure(
        title,
        np.array(model["frame_starts"]),
        config.frame_seconds,
        np.array(model["frequencies_hz"]),
        spectrogram.decibels,
        sequence[0] ** 2,
        markov.most_likely_states(states, sequence)[0],
        _fingerprint(db, feature, row).reshape(states.transition.shape),
        feature["cluster"],
    )
    content = event_picture(figure, output.suffix[1:].lower(), THEMES[theme])
    size = write_atomically(output, lambda stream: stream.write(content))
    return {
        "output": str(output),
        "bytes": size,
        "title": title,
        "event_id": feature["event_id"],
        "station": f"{row['net']}.{row['sta']}",
        "cluster": feature["cluster"],
    }


def _model(db: Database, catalog: str) -> dict[str, Any]:
    require_catalog(db, catalog)
    model = db.feature_model.find_one({"catalog": {"$eq": catalog}})
    if model is None:
        raise InputError(f"catalog {catalog!r} has no spectral features", hint="a job makes them: features: {}")
    return model


def _config(db: Database, catalog: str) -> FeaturesConfig:
    block = dict(require_catalog(db, catalog)["config"]["features"])
    block.pop("revision")
    return FeaturesConfig.model_validate(block)


def _feature(db: Database, catalog: str, event: str) -> dict[str, Any]:
    query = {"catalog": catalog, "event_id": {"$regex": f"^{re.escape(event)}"}}
    found = list(db.feature.find(query).limit(2))
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"event {event!r}: several events of {catalog!r} begin so", hint="give more of the id")
    raise InputError(
        f"event {event!r}: it has no spectral features in {catalog!r}",
        hint=f"catalogdb query event_clusters catalog={catalog}",
    )


def _fingerprint(db: Database, feature: dict[str, Any], row: dict[str, Any]) -> NDArray[np.float64]:
    query = {"event_id": feature["event_id"], "net": row["net"], "sta": row["sta"]}
    found = db.fingerprint.find_one(that_count(db, feature["task_id"]) | query)
    if found is None:
        raise InputError(
            f"event {feature['event_id']}, {row['net']}.{row['sta']}: no fingerprint, as in copies of catalogs, or "
            "while a run replaces it",
            hint="the catalog that it was copied from; or try again",
        )
    return np.array(found["fingerprint"])


def _station(feature: dict[str, Any], station: str | None) -> dict[str, Any]:
    rows = {f"{row['net']}.{row['sta']}": row for row in feature["stations"]}
    if station is None:
        return max(rows.values(), key=lambda row: row["snr"])
    if station not in rows:
        raise InputError(
            f"event {feature['event_id']}: no spectral features at station {station!r}",
            hint=f"it has some at {', '.join(rows)}",
        )
    return rows[station]
