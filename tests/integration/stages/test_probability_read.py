"""Probability traces in a real mongod: stored under the validator, read by station and period, exported."""

import json

import numpy as np
import obspy
import pytest
from pymongo.errors import WriteError

from catalogdb.errors import InputError
from catalogdb.identity import content_id
from catalogdb.probability import codec
from catalogdb.probability.convert import mspass_timeseries
from catalogdb.probability.documents import hour_documents
from catalogdb.probability.traces import ProbabilityTrace
from catalogdb.stages.read_probability import export_probability, read_probability

pytestmark = pytest.mark.integration

DAY = 19_800 * 86_400
HOUR = 3600
FLOOR = 0.05


def day_of_probability(seed, gap=(7.5, 9.25), rate=10.0):
    """A day with one gap (hours from, to): two runs of random probabilities, mostly small."""
    rng = np.random.default_rng(seed)
    runs = []
    for first, last in ((0.0, gap[0]), (gap[1], 24.0)):
        values = rng.random((2, round((last - first) * HOUR * rate)), dtype=np.float32) ** 8
        runs.append(ProbabilityTrace(round((DAY + first * HOUR) * 1e9), rate, ("P", "S"), values, "ZNE"))
    return runs


def store(db, group, traces, pick_set="mine", floor=FLOOR):
    """As the picking stage does."""
    net, sta, loc, _ = group.split(".")
    names = {"pick_set": pick_set, "config_id": "c" * 32, "task_id": "t" * 32, "channel_group": group}
    documents = [
        document
        | names
        | {"_id": content_id(pick_set, group, document["starttime"]), "net": net, "sta": sta, "loc": loc}
        for document in hour_documents(traces, DAY, DAY + 86_400, floor)
    ]
    db.probability.insert_many(documents)
    return documents


def add_pick_set(db, name, kind="automatic", **settings):
    config = {"settings": settings} if settings else {}
    db.pick_set.insert_one({"_id": name, "kind": kind, "config_id": content_id(name), "config": config})


@pytest.fixture
def stored(db):
    """A pick set with a day of two stations; the runs of the first."""
    add_pick_set(db, "mine", probability="sparse")
    runs = day_of_probability(1)
    store(db, "OX.BAD.00.HH", runs)
    store(db, "OX.VINO..HH", day_of_probability(2))
    return runs


# -- reading


def test_a_day_is_read_back_as_the_runs_that_it_was_stored_from(db, stored):
    back = read_probability(db, "mine", "OX", "BAD", DAY, DAY + 86_400)
    assert db.probability.count_documents({"sta": "BAD"}) == 23  # an hour without data has no document
    assert [(trace.start_ns, trace.samples) for trace in back] == [(run.start_ns, run.samples) for run in stored]
    for got, put in zip(back, stored, strict=True):
        assert np.array_equal(got.values, codec.read_back(codec.quantise(put.values, FLOOR)))
        assert (got.rate, got.labels, got.components) == (10.0, ("P", "S"), "ZNE")
        assert got.channel_group == "OX.BAD.00.HH"


@pytest.mark.parametrize(("first", "last"), [(2.71, 2.72), (2.5, 5.25), (7.0, 10.0), (0, 1), (23.999, 30)])
def test_a_period_is_cut_to_its_samples(db, stored, first, last):
    starttime, endtime = DAY + first * HOUR, DAY + last * HOUR
    back = read_probability(db, "mine", "OX", "BAD", starttime, endtime)
    expected = [part for run in stored if (part := run.cut(starttime, endtime)).samples]
    assert expected and len(back) == len(expected)
    for got, put in zip(back, expected, strict=True):
        assert (got.start_ns, got.samples) == (put.start_ns, put.samples)
        assert np.array_equal(got.values, codec.read_back(codec.quantise(put.values, FLOOR)))


def test_other_stations_pick_sets_and_periods_are_not_read(db, stored):
    store(db, "OX.BAD.00.HH", day_of_probability(3), pick_set="other")
    mine, other = (read_probability(db, name, "OX", "BAD", DAY, DAY + 60) for name in ("mine", "other"))
    assert not np.array_equal(mine[0].values, other[0].values)
    assert read_probability(db, "mine", "OX", "NONE", DAY, DAY + 60) == []
    assert read_probability(db, "mine", "OX", "BAD", DAY + 86_400, DAY + 90_000) == []
    assert read_probability(db, "mine", "OX", "BAD", DAY - HOUR, DAY) == []


def test_sensors_of_one_station_are_not_joined(db):
    first, second = day_of_probability(4, gap=(12.0, 12.0))
    store(db, "OX.BAD.00.HH", [first])
    store(db, "OX.BAD.00.HN", [second])
    back = read_probability(db, "mine", "OX", "BAD", DAY, DAY + 86_400)
    assert [trace.channel_group for trace in back] == ["OX.BAD.00.HH", "OX.BAD.00.HN"]


def test_reading_uses_the_index(db, stored):
    plan = db.probability.find(
        {"pick_set": "mine", "net": "OX", "sta": "BAD", "starttime": {"$gt": DAY, "$lt": DAY + HOUR}}
    ).explain()
    stats = plan["executionStats"]
    assert stats["totalDocsExamined"] == stats["nReturned"] == 0  # the hour at DAY is not after DAY
    assert "IXSCAN" in json.dumps(plan["queryPlanner"], default=str)


def test_mspass_reads_what_was_stored(db, stored, mspass_db):
    document = mspass_db.probability.find_one({"sta": "BAD"})
    assert document["codec"] == codec.CODEC
    assert mspass_db.database_schema["probability"].type("blob") is bytes
    (trace,) = read_probability(db, "mine", "OX", "BAD", DAY, DAY + HOUR)
    p, s = mspass_timeseries(trace, "OX", "BAD", "00")
    assert (p["chan"], s["chan"], p.npts, p.t0) == ("BXP", "BXS", trace.samples, DAY)
    saved = mspass_db.save_data(p, collection="wf_TimeSeries", return_data=True)
    assert saved.live
    assert np.array_equal(np.array(saved.data, dtype=np.float32), trace.values[0])


def test_the_validator_refuses_documents_that_cannot_be_decoded(db, stored):
    whole = db.probability.find_one()
    for name in ("codec", "blob", "segments", "floor", "labels", "channel_group"):
        with pytest.raises(WriteError):
            db.probability.insert_one({key: value for key, value in whole.items() if key != name} | {"_id": name})
    with pytest.raises(WriteError):
        db.probability.insert_one(whole | {"_id": "text", "blob": "text"})
    with pytest.raises(WriteError):
        db.probability.insert_one(whole | {"_id": "rate", "segments": [{"start_ns": 1, "npts": 1, "components": ""}]})


# -- export


def test_npz_holds_what_is_read(db, stored, tmp_path):
    summary = export_probability(db, "mine", "OX.BAD", DAY + HOUR, DAY + 10 * HOUR, tmp_path / "a.npz")
    back = read_probability(db, "mine", "OX", "BAD", DAY + HOUR, DAY + 10 * HOUR)
    content = np.load(tmp_path / "a.npz")
    assert np.array_equal(content["values"], np.concatenate([trace.values for trace in back], axis=1))
    assert content["start_ns"].tolist() == [trace.start_ns for trace in back]
    assert summary["bytes"] == (tmp_path / "a.npz").stat().st_size
    assert (summary["traces"], summary["seconds"], summary["floor"]) == (2, 7.25 * HOUR, FLOOR)


def test_miniseed_holds_what_is_read(db, stored, tmp_path):
    export_probability(db, "mine", "OX.BAD", DAY, DAY + HOUR, tmp_path / "a.mseed")
    (back,) = read_probability(db, "mine", "OX", "BAD", DAY, DAY + HOUR)
    p, s = obspy.read(tmp_path / "a.mseed")
    assert (p.id, s.id) == ("OX.BAD.00.BXP", "OX.BAD.00.BXS")
    assert p.stats.starttime.ns == back.start_ns
    assert np.array_equal(p.data, back.values[0]) and np.array_equal(s.data, back.values[1])


def test_what_cannot_be_exported_says_why_and_leaves_nothing(db, stored, tmp_path):
    add_pick_set(db, "bare", probability="none")
    add_pick_set(db, "classical", picker="stalta", probability="sparse")
    add_pick_set(db, "fresh", probability="full")
    add_pick_set(db, "bulletin", kind="reference")
    hour = (DAY, DAY + HOUR)
    for arguments, named, hint in (
        (("nobody", "OX.BAD", *hour, "a.npz"), "no pick set 'nobody'", "mine"),
        (("bare", "OX.BAD", *hour, "a.npz"), "probability: none", "probability: sparse"),
        (("classical", "OX.BAD", *hour, "a.npz"), "STA/LTA gives none", None),
        (("fresh", "OX.BAD", *hour, "a.npz"), "yet", "catalogdb run"),
        (("bulletin", "OX.BAD", *hour, "a.npz"), "reference", None),
        (("mine", "OX.NONE", *hour, "a.npz"), "OX.NONE", "OX.BAD, OX.VINO"),
        (("mine", "OX.BAD", DAY + 8 * HOUR, DAY + 9 * HOUR, "a.npz"), "2024-03-18T08:00", "2024-03-19T00:00"),
        (("mine", "OX.BAD", DAY, DAY, "a.npz"), "empty", None),
        (("mine", "BAD", *hour, "a.npz"), "NET.STA", "OX.BAD"),
        (("mine", "OX.BAD", *hour, "a.sac"), ".sac", ".mseed"),
        (("mine", "OX.BAD", *hour, "nowhere/a.npz"), "nowhere", None),
    ):
        with pytest.raises(InputError) as caught:
            export_probability(db, *arguments[:-1], tmp_path / arguments[-1])
        assert named in str(caught.value)
        assert hint is None or hint in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_miniseed_of_a_silent_hour_is_refused_by_name(db, tmp_path):
    add_pick_set(db, "mine", probability="sparse")
    silent = ProbabilityTrace(DAY * 10**9, 10.0, ("P", "S"), np.full((2, 100), np.nan, np.float32), "ZNE")
    store(db, "OX.BAD.00.HH", [silent])
    with pytest.raises(InputError, match="mine.*OX.BAD.*no sample"):
        export_probability(db, "mine", "OX.BAD", DAY, DAY + HOUR, tmp_path / "a.mseed")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_document_is_named(db, stored):
    db.probability.update_one({"sta": "BAD"}, {"$set": {"codec": "u16-lz4-7"}})
    with pytest.raises(InputError, match="OX.BAD.00.HH.*u16-lz4-7"):
        read_probability(db, "mine", "OX", "BAD", DAY, DAY + 86_400)


# -- the command


def test_command_writes_a_file_and_says_what_is_in_it(cli, stored, tmp_path):
    period = ("--starttime", "2024-03-18T01:00", "--endtime", "2024-03-18T02:00:00Z")
    where = ("export", "probability", "--pick-set", "mine", "--station", "OX.BAD", *period, "-o", tmp_path / "a.npz")
    code, out, _ = cli(*where, "--json")
    assert code == 0 and json.loads(out)["seconds"] == HOUR
    code, out, _ = cli(*where)
    assert code == 0 and "P S of OX.BAD, 3600.00 s in 1 stretches" in out
    assert np.load(tmp_path / "a.npz")["npts"].tolist() == [36_000]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"--pick-set": "nobody"}, "there are: mine"),
        ({"--starttime": "yesterday"}, "--starttime yesterday"),
        ({"--station": "OX.NONE"}, "OX.BAD"),
    ],
)
def test_command_says_what_is_wrong(cli, stored, tmp_path, change, named):
    options = {
        "--pick-set": "mine",
        "--station": "OX.BAD",
        "--starttime": "2024-03-18T01:00",
        "--endtime": "2024-03-18T02:00",
        "--output": tmp_path / "a.npz",
    }
    code, _, err = cli("export", "probability", *(word for pair in (options | change).items() for word in pair))
    assert code == 2 and named in err and "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_export_without_a_command_still_means_a_catalog(cli, tmp_path):
    for words in (["export"], ["export", "catalog"]):
        code, _, err = cli(*words, "--catalog", "nobody", "-o", tmp_path / "a.xml")
        assert code == 2 and "no catalog 'nobody'" in err
    code, _, err = cli("export", "probabilities")
    assert code == 2 and "probabilities" in err
