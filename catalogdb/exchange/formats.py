"""The formats that catalogdb reads and writes: what each holds, and which function writes or reads it.

This is the one list of them. `catalogdb formats` prints it, exports and ingests look their functions up in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Literal

Holds = Literal["events", "events and picks", "picks", "stations", "waveforms", "velocity model"]
Command = Literal["catalog", "picks", "stations", "waveforms", "velocity-model"]


@dataclass(frozen=True)
class Format:
    """One format of files.

    Attributes:
        name: as `--format` takes it.
        title: for people.
        holds: what its files hold.
        command: of `catalogdb export` and `catalogdb ingest`.
        writer: "module:function" of what writes it; None: only read. Writers of events take (events with picks, stream,
            counter of what is left out), where they hold picks a counter `written` as well, and return the number of
            events.
        reader: "module:function" of what reads it; None: only written. Readers of events take a path and the evaluation
            mode of what doesn't say. Writers of velocity models take the model and its name, and return the contents of
            files by name.
        obspy: ObsPy's name of a format that it reads for us.
        suffixes: of files, which tell the format where `--format` doesn't; the first is the usual one.
        is_folder: what is written is a folder of files.
        remark: what else to know.
    """

    name: str
    title: str
    holds: Holds
    command: Command = "catalog"
    writer: str | None = None
    reader: str | None = None
    obspy: str | None = None
    suffixes: tuple[str, ...] = ()
    is_folder: bool = False
    remark: str = ""


_HERE = "catalogdb.exchange"
_OGS = f"{_HERE}.ogs"
_TABLES, _CSV = f"{_HERE}.tables", f"{_HERE}.csv_catalog:read_csv"
_OBSPY = f"{_HERE}.obspy_events:read_by_obspy"
_TEXTS, _THROUGH, _SIMULATION = f"{_HERE}.event_texts", f"{_HERE}.through_obspy", f"{_HERE}.simulation_files"
_FILES = f"{_HERE}.waveform_files"
_PICKS = f"{_HERE}.pick_tables"
_RESULTS = f"{_HERE}.peers.results"
_MODELS, _READ_MODEL = f"{_HERE}.velocity_models", "catalogdb.traveltimes.model_files:read_velocity_model"
_STATIONS, _WAVEFORMS = "catalogdb.stations.read:read_stations", "catalogdb.waveforms.other_formats:scan_waveforms"
_BOTH: Holds = "events and picks"


def _by_obspy(name: str, title: str, holds: Holds, obspy: str, writer: str | None = None, remark: str = "") -> Format:
    return Format(name, title, holds, writer=writer, reader=_OBSPY, obspy=obspy, remark=remark)


def _waveforms(name: str, title: str, obspy: str) -> Format:
    remark = "read whole; a trace without station code takes the codes of a file NET.STA.LOC.CHAN..."
    writer = f"{_FILES}:write_sac" if name == "sac" else None  # of an event: --event
    return Format(
        name, title, "waveforms", "waveforms", writer, _WAVEFORMS, obspy, is_folder=bool(writer), remark=remark
    )


FORMATS: tuple[Format, ...] = (
    Format(
        *("quakeml", "QuakeML 1.2 (read: 1.0, 1.1, 1.2, RT)", _BOTH, "catalog"),
        writer=f"{_HERE}.quakeml_writer:write_quakeml",
        reader=f"{_HERE}.quakeml:read_quakeml",
        suffixes=(".xml", ".qml", ".quakeml"),
        remark="all that catalogdb knows of an event",
    ),
    Format("csv", "table", _BOTH, writer=f"{_TABLES}:write_csv", reader=_CSV, suffixes=(".csv",),
           remark="--table events or arrivals; read also: ComCat, ISC, GaMMA, PyOcto, spreadsheets"),
    Format("parquet", "Parquet table", _BOTH, writer=f"{_TABLES}:write_parquet", reader=_CSV,
           suffixes=(".parquet", ".pq"), remark="as csv"),
    Format("fdsn-text", "fdsnws-event text", "events", writer=f"{_TEXTS}:write_fdsn_text", reader=_CSV),
    Format("geojson", "GeoJSON as the USGS writes it", "events", writer=f"{_HERE}.geojson:write_geojson",
           reader=f"{_HERE}.geojson:read_geojson", suffixes=(".geojson",)),
    _by_obspy("scml", "SeisComP XML (read: 0.7 to 0.14)", _BOTH, "SCML", f"{_THROUGH}:write_scml",
              "version 0.12; the whole catalog is in memory"),
    Format("zmap", "ZMAP, thirteen columns", "events", writer=f"{_TEXTS}:write_zmap", reader=_OBSPY, obspy="ZMAP"),
    Format("kml", "KML placemarks", "events", writer=f"{_HERE}.kml:write_kml", suffixes=(".kml",)),
    _by_obspy("nordic", "Nordic (SEISAN)", _BOTH, "NORDIC", f"{_THROUGH}:write_nordic", "without network codes"),
    Format("hypo71", "HYPO71 phase cards; read also: its listings and summaries", _BOTH,
           writer=f"{_OGS}.write_cards:write_hypo71", reader=f"{_OGS}.phases_dat:read_hypo71"),
    Format("csep", "csv of pyCSEP", "events", writer=f"{_TEXTS}:write_csep", reader=_CSV),
    _by_obspy("cmtsolution", "CMTSOLUTION of SPECFEM and GCMT", "events", "CMTSOLUTION",
              f"{_SIMULATION}:write_cmtsolution", "written with an explosion in place of the unknown mechanism"),
    Format("mtuq-weights", "weight file of MTUQ and CAP", _BOTH, writer=f"{_SIMULATION}:write_mtuq_weights",
           remark="of one event: --eventid"),
    *(Format(name, title, _BOTH, writer=f"{_HERE}.peers.{writer}", is_folder=True) for name, title, writer in (
        ("nlloc-obs", "NonLinLoc observations, stations and control file", "nlloc:nlloc_files"),
        ("hypodd", "HypoDD phases, stations, differential times", "hypodd:hypodd_files"),
        ("growclust", "GrowClust events, differential times, model and control file", "growclust:growclust_files"),
        ("velest", "VELEST .cnv, stations and model", "velest:velest_files"),
        ("hypoinverse", "HYPOINVERSE phases, stations, models and commands", "hypoinverse:hypoinverse_files"),
    )),
    Format("ogs-dat", "OGS phase cards", _BOTH, writer=f"{_OGS}.write_cards:write_dat",
           reader=f"{_OGS}.phases_dat:read_dat", suffixes=(".dat",)),
    Format("ogs-hpl", "OGS listing", _BOTH, writer=f"{_OGS}.write_listing:write_hpl",
           reader=f"{_OGS}.listing_hpl:read_hpl", suffixes=(".hpl",)),
    Format("ogs-hpc", "OGS listing of an event", _BOTH, writer=f"{_OGS}.write_listing:write_hpc",
           reader=f"{_OGS}.listing_hpl:read_hpl", suffixes=(".hpc",)),
    Format("ogs-pun", "OGS summaries", "events", writer=f"{_OGS}.write_summaries:write_pun",
           reader=f"{_OGS}.summary_pun:read_pun", suffixes=(".pun",)),
    Format("ogs-txt", "OGS bulletin", "events", writer=f"{_OGS}.write_summaries:write_txt",
           reader=f"{_OGS}.bulletin_txt:read_txt", suffixes=(".txt",)),
    Format("ogs-txt-separated", "OGS bulletin with semicolons", "events",
           writer=f"{_OGS}.write_summaries:write_separated_txt", reader=f"{_OGS}.bulletin_txt:read_txt"),
    Format("real", "REAL's phase_sel.txt, catalog_sel.txt", _BOTH, reader=f"{_HERE}.real_phases:read_real"),
    Format("hypodd-reloc", "HypoDD's locations (hypoDD.reloc)", "events", reader=f"{_RESULTS}:read_hypodd_reloc"),
    Format("growclust-cat", "GrowClust's locations (out.growclust_cat)", "events",
           reader=f"{_RESULTS}:read_growclust_cat"),
    Format("hypoinverse-arc", "HYPOINVERSE-2000 archive and summary, years of four digits", _BOTH,
           reader=f"{_HERE}.hypoinverse_archive:read_hypoinverse"),
    _by_obspy("nlloc-hyp", "NonLinLoc location (.hyp)", _BOTH, "NLLOC_HYP"),
    _by_obspy("hypodd-pha", "HypoDD phases", _BOTH, "HYPODDPHA"),
    _by_obspy("ims", "IMS 1.0 and ISF bulletin", _BOTH, "IMS10BULLETIN"),
    _by_obspy("gse2", "GSE 2.0 bulletin", _BOTH, "GSE2"),
    _by_obspy("focmec", "FOCMEC", "events", "FOCMEC", remark="mechanisms alone, which are not stored"),
    _by_obspy("ndk", "NDK (GCMT)", "events", "NDK", remark="moment tensors are not stored"),
    _by_obspy("fnetmt", "F-net moment tensors", "events", "FNETMT", remark="moment tensors are not stored"),
    _by_obspy("scardec", "SCARDEC source time functions", "events", "SCARDEC"),
    _by_obspy("mchedr", "PDE bulletin (mchedr)", _BOTH, "MCHEDR"),
    _by_obspy("evt", "Seismic Handler", _BOTH, "EVT"),
    Format("csv", "table of picks", "picks", "picks", f"{_PICKS}:write_pick_table", _CSV, suffixes=(".csv",),
           remark="read also: EQTransformer, PyOcto, REAL, PhaseNet of old, spreadsheets"),
    Format("parquet", "Parquet table of picks", "picks", "picks", f"{_PICKS}:write_pick_table", _CSV,
           suffixes=(".parquet", ".pq")),
    Format("quakeml", "QuakeML without events", "picks", "picks", f"{_PICKS}:write_pick_quakeml",
           f"{_HERE}.quakeml:read_quakeml", suffixes=(".xml", ".qml")),
    Format("phasenet", "PhaseNet and QuakeFlow", "picks", "picks", f"{_PICKS}:write_pick_table", _CSV),
    Format("seisbench", "table of SeisBench's picks", "picks", "picks", f"{_PICKS}:write_pick_table", _CSV),
    Format("seisbench-dataset", "SeisBench data set: picks with their waveforms", "picks", "picks",
           "catalogdb.stages.export_seisbench:export_seisbench_dataset", is_folder=True),
    Format("gamma", "picks for GaMMA", "picks", "picks", f"{_PICKS}:write_pick_table", _CSV),
    Format("specfem", "STATIONS of SPECFEM", "stations", "stations", f"{_SIMULATION}:write_specfem_stations"),
    Format("seissol", "receivers of SeisSol", "stations", "stations", f"{_SIMULATION}:write_seissol_receivers",
           remark="metres in the UTM zone of the stations' middle"),
    Format("noisepy", "station list of NoisePy", "stations", "stations", f"{_SIMULATION}:write_noisepy_stations",
           _STATIONS, suffixes=(".csv",)),
    Format("stationxml", "StationXML", "stations", "stations", reader=_STATIONS, suffixes=(".xml",)),
    Format("station-csv", "csv with a header line", "stations", "stations", reader=_STATIONS, suffixes=(".csv",)),
    Format("station-text", "fdsnws-station text", "stations", "stations", reader=_STATIONS),
    Format("station-scml", "SeisComP inventory", "stations", "stations", reader=_STATIONS, obspy="SC3ML"),
    Format("seed", "dataless SEED", "stations", "stations", reader=_STATIONS, obspy="SEED",
           suffixes=(".seed", ".dataless")),
    Format("xseed", "XML-SEED", "stations", "stations", reader=_STATIONS, obspy="XSEED", suffixes=(".xseed",)),
    Format("arclink", "Arclink inventory", "stations", "stations", reader=_STATIONS, obspy="INVENTORYXML"),
    Format("gtsrce", "NonLinLoc's stations", "stations", "stations", reader=_STATIONS, remark="without network codes"),
    Format("miniseed", "miniSEED 2", "waveforms", "waveforms", f"{_FILES}:write_miniseed", _WAVEFORMS, is_folder=True,
           remark="read by offset, from the file itself"),
    Format("miniseed3", "miniSEED 3", "waveforms", "waveforms", reader=_WAVEFORMS, remark="read whole, by pymseed"),
    *(_waveforms(name, title, obspy) for name, title, obspy in (
        ("sac", "SAC, binary and text", "SAC"), ("gse2", "GSE 2", "GSE2"), ("gse1", "GSE 1", "GSE1"),
        ("segy", "SEG-Y", "SEGY"), ("seg2", "SEG-2", "SEG2"), ("su", "Seismic Unix", "SU"), ("win", "WIN", "WIN"),
        ("seisan", "SEISAN", "SEISAN"), ("slist", "SLIST text", "SLIST"), ("tspair", "TSPAIR text", "TSPAIR"),
        ("ah", "AH", "AH"), ("gcf", "Guralp GCF", "GCF"), ("reftek", "RefTek 130", "REFTEK130"),
        ("rg16", "Fairfield RG16", "RG16"), ("kinemetrics", "Kinemetrics EVT", "KINEMETRICS_EVT"),
        ("knet", "K-NET, KiK-net", "KNET"), ("y", "Nanometrics Y", "Y"), ("dmx", "DMX", "DMX"),
        ("sh-asc", "Seismic Handler text", "SH_ASC"))),
    Format("nlloc", "NonLinLoc: LAYER lines, or grids of P and S (.hdr, .buf)", "velocity model", "velocity-model",
           f"{_MODELS}:write_nlloc", _READ_MODEL, suffixes=(".in",),
           remark="a 3-D model is a folder, in cubic cells on a plane of NonLinLoc"),
    Format("csv", "table of layers, or of nodes of a lattice in degrees", "velocity model", "velocity-model",
           f"{_MODELS}:write_csv", _READ_MODEL, suffixes=(".csv",)),
    Format("job", "velocity of a job file", "velocity model", "velocity-model", reader=_READ_MODEL,
           suffixes=(".yaml", ".yml")),
)  # fmt: skip


def of_command(command: Command, is_written: bool = False, is_read: bool = False) -> dict[str, Format]:
    """Formats of a command by name, in the list's order.

    Args:
        is_written, is_read: only those that are.
    """
    return {
        item.name: item
        for item in FORMATS
        if item.command == command and (item.writer or not is_written) and (item.reader or not is_read)
    }


@cache
def suffixes(command: Command) -> dict[str, str]:
    """Format by suffix of what is written."""
    found: dict[str, str] = {}
    for name, item in of_command(command, is_written=True).items():
        for suffix in item.suffixes:
            found.setdefault(suffix, name)
    return found


def load(target: str) -> Any:
    """The function that "module:function" names."""
    module, name = target.split(":")
    return getattr(import_module(module), name)
