"""`catalogdb.open()` on a day of waveforms: running a job, and objects of ObsPy and MsPASS."""

import resource

import obspy
import pandas as pd
import pytest

import catalogdb
from catalogdb.api.waveform_export import export_waveforms
from catalogdb.errors import InputError


@pytest.fixture(scope="module")
def db(engine_day):
    settings = engine_day.filled()
    opened = catalogdb.open(data_dir=settings.data_dir, database=settings.database)
    report = opened.run(engine_day.job_file, settings={"associate.min_picks": 5}, name="mine")
    assert report.status == "done"
    return opened


def test_a_job_runs_with_changed_settings_under_another_name(db):
    assert len(db.events("mine")) > 1 and db.view("catalog", _id="mine")["config"][0]["associate"]["min_picks"] == 5
    assert db.run.__doc__ and db.evaluate("mine", "truth")["events"]["matched"] > 1
    assert list(db.view("event_scores", catalog="mine", reference="truth")["matched"]) == [
        db.evaluate("mine", "truth")["events"]["matched"]
    ]


def test_waveforms_of_an_event_and_of_a_station(db):
    event = db.events("mine", limit=1)
    stream = db.waveforms(event["_id"][0][:8])
    assert isinstance(stream, obspy.Stream)
    arrivals = db.arrivals("mine", event_id=event["_id"][0])
    assert {trace.stats.station for trace in stream} == set(arrivals["sta"])
    start = event["time"][0] - pd.Timedelta("5s")
    assert all(
        abs(pd.Timestamp(trace.stats.starttime.datetime, tz="UTC") - start).total_seconds() < 0.02 for trace in stream
    )
    station = f"{arrivals['net'][0]}.{arrivals['sta'][0]}"
    part = db.waveforms(station=station, channel="HHZ", starttime=start, endtime=start + pd.Timedelta("10s"))
    assert [trace.id for trace in part] == [f"{station}..HHZ"] and part[0].stats.npts == pytest.approx(1001, abs=1)
    with pytest.raises(InputError) as caught:
        db.waveforms(station=station, starttime="2001-01-01", endtime="2001-01-02")
    assert caught.value.hint.startswith("there are some from 20")


def test_waveforms_of_an_event_are_written_as_files(db, engine_day, command, tmp_path):
    event = db.events("mine", limit=1)["_id"][0]
    stream, folder = db.waveforms(event), tmp_path / "event"
    settings = engine_day.local.model_copy(update={"database": db.mongo.name})
    done = command(settings, "export", "waveforms", "--event", event[:10], "-o", str(folder), "--json").json
    assert done["traces"] == len(stream) == len(list(folder.glob("*.sac"))) and done["without_place"] == []
    sac = obspy.read(str(folder / done["files"][0]))[0].stats.sac
    assert {"evla", "evdp", "stla", "stel", "dist", "a", "o"} <= set(sac)
    again = command(settings, "export", "waveforms", "--event", event, "-o", str(folder))
    assert again.code == 2 and "holds files already" in again.err
    part = ["--format", "miniseed", "--channel", "HHZ", "-o", str(tmp_path / "part"), "--json"]
    done = command(settings, "export", "waveforms", "--event", event, *part).json
    assert {obspy.read(str(tmp_path / "part" / name))[0].stats.channel for name in done["files"]} == {"HHZ"}


@pytest.mark.parametrize("format", ["sac", "miniseed"])
def test_waveforms_that_cant_all_be_written_leave_no_file(db, tmp_path, format):
    event = db.mongo.event.find_one({"catalog": "mine"})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))  # as on a full disk
    try:
        with pytest.raises(InputError, match="cannot be written: File too large"):
            export_waveforms(db.mongo, event, tmp_path / "event", format)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((tmp_path / "event").iterdir()) == []
    assert export_waveforms(db.mongo, event, tmp_path / "event", format)["files"]


def test_picks_are_written_with_waveforms_as_a_seisbench_set(db, engine_day, command, tmp_path):
    settings = engine_day.local.model_copy(update={"database": db.mongo.name})
    wanted = ["export", "picks", "--pick-set", "mine", "--format", "seisbench-dataset", "-o", str(tmp_path / "set")]
    done = command(settings, *wanted, "--json").json
    rows = pd.read_csv(tmp_path / "set" / "metadata.csv")
    assert done["records"] == len(rows) > 5 and (tmp_path / "set" / "waveforms.hdf5").stat().st_size > 1e5
    times = set(db.picks("mine")["time"].astype("int64") / 1e9)
    row = rows[rows["trace_P_arrival_sample"].notna()].iloc[0]
    start = pd.Timestamp(row["trace_start_time"]).timestamp()
    time = start + row["trace_P_arrival_sample"] / row["trace_sampling_rate_hz"]
    assert min(abs(time - other) for other in times) < 1e-3
    assert command(settings, *wanted).code == 2 and command(settings, *wanted, "phase=P").code == 2


def test_ensembles_are_mspass(db):
    event = db.events("mine", limit=1)["_id"][0]
    ensemble = db.ensemble(event)
    assert len(ensemble.member) == len(db.waveforms(event)) and ensemble.member[0].live


def test_availability_of_the_day(db):
    days = db.availability()
    assert len(days) == 4 and days.attrs["units"]["seconds"] == "s"
    assert days["seconds"].between(3000, 7201).all() and (days["channels"] >= 3).all()


def test_where_no_probabilities_are_stored_the_reason_is_given(db):
    station = ".".join(db.stations(limit=1)[["net", "sta"]].iloc[0])
    with pytest.raises(InputError, match="STA/LTA gives none"):
        db.probability("mine", station, "2024-03-27", "2024-03-28")
    with pytest.raises(InputError, match=r"not NET\.STA"):
        db.probability("mine", "BAD", 0, 1)
