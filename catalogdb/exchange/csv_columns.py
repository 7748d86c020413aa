"""What the columns of event and pick tables mean: their names, kinds of values, bounds, and values for "not known"."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from catalogdb.exchange.evaluation_mode import EvaluationMode

Kind = Literal["text", "code", "number", "count", "time"]


@dataclass(frozen=True)
class Column:
    """One meaning of a column.

    names: of the column, in lower case with _ for blanks and without '#'; the first one present is taken.
    kind: of its values. A code is a text for which NA is no blank: there are networks and stations of that name.
    least, most: bounds of its numbers; what lies outside is left out or costs the row, and is said.
    unknown: numbers within the bounds that stand for "not known".
    """

    names: tuple[str, ...]
    kind: Kind = "text"
    least: float = -math.inf
    most: float = math.inf
    unknown: tuple[float, ...] = ()


def _number(*names: str, least: float = -math.inf, most: float = math.inf, unknown: tuple[float, ...] = ()) -> Column:
    return Column(names, "number", least, most, unknown)


def _count(*names: str) -> Column:
    return Column(names, "count", 0, 100_000, (9999, 99999))


COVARIANCE_PAIRS = ("ee", "en", "ed", "nn", "nd", "dd")
"""The upper triangle of a covariance: e is east, n north and d down."""
NINES = (99.0, 99.9, 99.99, 999.0, 999.9, 999.99)
DEPTH_BOUNDS_KM = (-10.0, 800.0)
DEPTH_UNKNOWN = (-9.0, -9.9, -9.99, -99.0, -99.9, -99.99, *(sign * value for value in NINES[3:] for sign in (1, -1)))
DEPTH_UNKNOWN += (-9999.0, 9999.0, 99999.0, -99999.0)
PLACE_UNKNOWN = (*NINES, 9999.0, *(-value for value in NINES), -9999.0)

# a time may stand in several columns; a clock in the column of the time goes with the date
TIME_PARTS: dict[str, Column] = {
    "date": Column(("date", "origin_date", "event_date", "pick_date", "data", "fecha"), "time"),
    "year": Column(("year", "yr", "yyyy", "anno", "año", "année"), "time"),
    "month": Column(("month", "mon", "mo", "mese", "mes", "mois"), "time"),
    "day": Column(("day", "dy", "giorno", "día", "dia", "jour"), "time"),
    "hour": Column(("hour", "hr", "hh"), "time"),
    "minute": Column(("minute", "min", "mi", "minuto"), "time"),
    "second": Column(("second", "sec", "seconds", "secondi"), "time"),
}

EVENT_COLUMNS: dict[str, Column] = {
    "event_id": Column(
        ("event_id", "event-id", "eventid", "id", "event_idx", "event_index", "event", "publicid", "idx")
    ),
    "time": Column(
        (
            *("time", "origin_time", "origin_time(utc)", "origin_time_utc", "time(utc)", "time_utc", "datetime"),
            *("date_time", "datetime(utc)", "datetime_utc", "origintime", "event_time", "timestamp", "utc", "ora"),
            *("tempo", "data_ora", "time_string", "hora", "hora_utc", "fecha_hora", "fecha_hora_utc", "heure"),
            *("heure_tu", "heure_utc"),
        ),
        "time",
    ),
    **TIME_PARTS,
    "latitude": _number("latitude", "lat", "latitudine", "latitud", least=-90, most=90),
    "longitude": _number("longitude", "lon", "long", "lng", "longitudine", "longitud", least=-180, most=360),
    "depth_km": _number(
        *("depth_km", "depth", "depth(km)", "depth/km", "dep", "profondita", "profondità", "prof", "profundidad"),
        *("profundidad(km)", "profondeur", "profondeur(km)"),
    ),
    "depth_m": _number("depth(m)", "depth_m", "depth/m"),
    "magnitude_type": Column(
        ("magnitude_type", "magtype", "mag_type", "magnitudetype", "tipo_magnitud", "tipo_de_magnitud")
    ),
    "magnitude_uncertainty": _number("magnitude_uncertainty", "magerror", least=0, most=5),
    "magnitude_stations": _count("magnst"),
    "time_uncertainty": _number(
        "time_uncertainty_s", "time_uncertainty", "sigma_time", "t_err", least=0, most=3600, unknown=NINES
    ),
    "horizontal_uncertainty_km": _number(
        *("horizontal_uncertainty_km", "max_horizontal_uncertainty", "horizontalerror", "h_err", "erh"),
        least=0,
        most=2000,
        unknown=NINES,
    ),
    "depth_uncertainty_km": _number(
        *("depth_uncertainty_km", "vertical_uncertainty", "deptherror", "v_err", "erz"),
        least=0,
        most=2000,
        unknown=NINES,
    ),
    "rms": _number("rms_s", "rms", least=0, most=1000, unknown=NINES),
    "azimuthal_gap": _number("azimuthal_gap_degree", "azimuthal_gap", "gap", least=0, most=360),
    "minimum_distance_km": _number("minimum_distance_km", least=0, most=20_050),
    "limits": Column(("limits",)),
    "score": _number("score", "gamma_score", "prob_gamma"),
    "quality": Column(("hypo71_quality",)),
    "n_picks": _count("n_picks", "number_picks", "num_picks", "picks"),
    "n_p": _count("n_p", "number_p_picks", "num_p_picks"),
    "n_s": _count("n_s", "number_s_picks", "num_s_picks"),
    "n_stations": _count("n_stations", "nst"),
    "event_type": Column(("event_type", "eventtype", "e_type", "type")),
    "place": Column(("place", "loc_name", "eventlocationname", "region", "localita", "località", "luogo")),
    "evaluation_mode": Column(("evaluation_mode", "evaluationmode", "mode")),
    "evaluation_status": Column(("evaluation_status", "evaluationstatus", "status")),
    "origin_method": Column(("origin_method", "method")),
    "agency_id": Column(("agency_id", "contributor", "agency")),
    "author": Column(("author",)),
    "updated": Column(("creation_time", "updated"), "time"),
}
# of tables that catalogdb wrote, where the event's id is the database's; elsewhere a source may be an agency
OWN_COLUMN = "origin_method"
OWN_EVENT_COLUMNS: dict[str, Column] = {
    "source_id": Column(("source_id",)),
    **{
        f"depth_{level}_{end}_km": _number(f"depth_{level}_{end}_km", least=DEPTH_BOUNDS_KM[0], most=DEPTH_BOUNDS_KM[1])
        for level in (68, 90)
        for end in ("low", "high")
    },
    **{f"epicentre_{level}_km": _number(f"epicentre_{level}_km", least=0, most=20_050) for level in (68, 90)},
    **{f"covariance_{pair}_km2": _number(f"covariance_{pair}_km2") for pair in COVARIANCE_PAIRS},
    "bimodal": Column(("bimodal",)),
}
# of associators without a projection: events are somewhere in a plane
PLANE_COLUMNS = (("x(km)", "y(km)"), ("x_km", "y_km"), ("x", "y"))

PICK_COLUMNS: dict[str, Column] = {
    "station": Column(("station", "station_id", "sta", "station_code", "stazione", "id"), "code"),
    "network": Column(("network", "net", "network_code", "rete"), "code"),
    "location": Column(("location", "loc", "location_code"), "code"),
    "channel": Column(("channel", "chan", "channel_code", "instrument_type"), "code"),
    "phase": Column(("phase", "phase_type", "phase_hint", "type", "fase")),
    "time": Column(
        (
            *("time", "phase_time", "pick_time", "arrival_time", "timestamp", "peak_time", "time_utc", "datetime"),
            *("ora", "tempo"),
        ),
        "time",
    ),
    **TIME_PARTS,
    "uncertainty": _number("uncertainty_s", "uncertainty", "time_uncertainty", least=0, most=60, unknown=(0.0,)),
    "probability": _number("probability", "phase_score", "prob", "score", "peak_value", least=0, most=1),
    "hypo71_weight": Column(("hypo71_weight",), "count"),
    "polarity": Column(("polarity",)),
    "onset": Column(("onset",)),
    "evaluation_mode": Column(("evaluation_mode", "evaluationmode", "mode")),
    "event_id": Column(("event_id", "event", "event_idx", "event_index", "eventid")),
    "pick_id": Column(("pick_id", "pickid")),
    "residual": _number("residual_s", "residual", least=-3600, most=3600),
}
ID_OF_STATION = "id"  # a station's only in tables of picks: events have positions
# of tables of arrivals, in which a column `residual_s` stands: elsewhere a weight may be anything
OWN_ARRIVAL_COLUMN = "residual_s"
ARRIVAL_COLUMNS: dict[str, Column] = {
    "distance_km": _number("distance_km", least=0, most=20_050),
    "azimuth": _number("azimuth_degree", least=-360, most=360),
    "weight": _number("weight"),
}
ARRIVAL_FIELDS = ("residual", *ARRIVAL_COLUMNS)

# tables with a row for both phases: columns of each. Samples count from `start` in a waveform of PhaseNet's rate.
PHASES_OF_A_ROW: dict[str, dict[str, Column]] = {
    phase: {
        "time": Column((f"{letter}_arrival_time", f"{letter}_time", f"{letter}_pick_time"), "time"),
        "samples": Column((f"{letter}_idx", f"it{letter}")),
        "probability": _number(f"{letter}_probability", f"{letter}_prob", f"t{letter}_prob", least=0, most=1),
    }
    for phase, letter in (("P", "p"), ("S", "s"))
}
ROW_COLUMNS: dict[str, Column] = {
    "station": Column(("station", "station_id", "sta", "station_code"), "code"),
    "file_name": Column(("fname", "file_name")),
    "start": Column(("t0", "begin_time"), "time"),
    **{name: PICK_COLUMNS[name] for name in ("network", "location", "channel", "event_id")},
}
SAMPLE_RATE_HZ = 100  # of the waveforms that PhaseNet takes; its older tables count in their samples

# column -> type of magnitude, None where another column says; the order is that of preference
MAGNITUDE_COLUMNS: dict[str, str | None] = {
    "magnitude": None,
    "mag": None,
    "magnitudo": None,
    "magnitud": None,
    "mw": "Mw",
    "ml": "ML",
    "ms": "Ms",
    "mb": "mb",
    "md": "MD",
}
MAGNITUDE = _number(*MAGNITUDE_COLUMNS, least=-5, most=11, unknown=(9.9, 9.99))
MAGNITUDE_TYPE_NAMES = {"mw": "Mw", "ml": "ML", "ms": "Ms", "mb": "mb", "md": "MD", "m": "M"}
# of the ISC's csv, where a row has any number of these three
MAGNITUDE_GROUP = ("author", "type", "mag")

EVENT_TYPES = {  # of the IASPEI Seismic Format and of AQMS, "" for unknown; others are QuakeML's
    "ke": "earthquake",
    "se": "earthquake",
    "de": "earthquake",
    "fe": "earthquake",
    "eq": "earthquake",
    "kr": "rock burst",
    "sr": "rock burst",
    "ki": "induced or triggered event",
    "si": "induced or triggered event",
    "km": "mining explosion",
    "sm": "mining explosion",
    "kh": "chemical explosion",
    "sh": "chemical explosion",
    "kx": "experimental explosion",
    "sx": "experimental explosion",
    "kn": "nuclear explosion",
    "sn": "nuclear explosion",
    "ls": "landslide",
    "uk": "",
    "qb": "quarry blast",
}
MODES: dict[str, EvaluationMode] = {
    **dict.fromkeys(("automatic", "auto", "a"), "automatic"),
    **dict.fromkeys(("manual", "man", "m", "reviewed", "confirmed", "final"), "manual"),
}

POLARITIES = {
    **dict.fromkeys(("positive", "up", "u", "c", "+", "1"), "positive"),
    **dict.fromkeys(("negative", "down", "d", "-", "-1"), "negative"),
    **dict.fromkeys(("undecidable", "?", "0"), "undecidable"),
}
ONSETS = {"e": "emergent", "i": "impulsive", "?": "questionable"}
ONSETS |= {name: name for name in ("emergent", "impulsive", "questionable")}

_BLANK = {"", "nan", "none", "null", "-", "--", "---", "----", "-----", "*****", "<na>"}
ABSENT = _BLANK | {"na", "n/a", "nat", "#n/a"}
_SAFE_FORMULA = re.compile(r"'+[=+\-@\t\r\n]")


def column_of(column: Column, header: list[str]) -> int | None:
    """Where a column stands in a header; None where it has none of its names."""
    return next((header.index(name) for name in column.names if name in header), None)


def text(cell: str) -> str | None:
    """The cell without blanks around; None for the usual ways to say that nothing is known.

    A quote before what a spreadsheet would take for a formula is taken off: `tables.write_csv` sets it.
    """
    cell = cell.strip()
    if cell[:1] == "'" and _SAFE_FORMULA.match(cell):
        return cell[1:]
    return None if cell.lower() in ABSENT else cell


def code(cell: str, is_station: bool = False) -> str | None:
    """The cell as a code of a network, station, location or channel; a network or a station may be called NA."""
    cell = cell.strip()
    if cell[:1] == "'" and _SAFE_FORMULA.match(cell):
        return cell[1:]
    return None if not cell or (not is_station and cell.lower() in _BLANK) else cell
