"""`catalogdb init job`: what is proposed fits the data, loads, and is refused where there is nothing to go by."""

import pytest

from catalogdb.errors import InputError
from catalogdb.jobs import load_job_file
from catalogdb.runs.proposed_job import proposed_job, write_proposed_job
from catalogdb.traveltimes.reference_models import IASP91

START = 1711501200.0  # 2024-03-27T01:00
FRIULI = {"BAD": (46.2, 12.9), "BOO": (46.35, 13.1), "LSK": (46.1, 13.3), "ZOU": (46.5, 12.8)}


def fill(db, places, rate=100.0, chan="HHZ"):
    for number, (sta, (lat, lon)) in enumerate(places.items()):
        epoch = {"net": "OX", "sta": sta, "loc": "", "lat": lat, "lon": lon, "elev": 0.5}
        db.site.insert_one(epoch | {"starttime": 0.0, "endtime": 4e9})
        segment = {"net": "OX", "sta": sta, "loc": "", "chan": chan, "channel_group": f"OX.{sta}..{chan[:2]}"}
        segment |= {"starttime": START + 60, "endtime": START + 86000, "npts": 10, "delta": 1 / rate}
        place = {"sampling_rate": rate, "dir": "/a", "dfile": sta, "foff": 0, "nbytes": 10, "file_id": str(number)}
        db.wf_miniseed.insert_one(segment | place)


def test_period_region_and_model_are_those_of_the_data(db, tmp_path):
    fill(db, FRIULI)
    db.catalog.insert_one(
        {"_id": "ogs", "kind": "reference", "config_id": "x", "starttime": START, "endtime": START + 900}
    )
    write_proposed_job(db, "valley", tmp_path / "valley.yaml")
    job = load_job_file(tmp_path / "valley.yaml")
    assert (job.name, job.catalog, job.evaluate.reference) == ("valley", "valley", "ogs")
    assert job.period.starttime.timestamp() == START and job.period.endtime.timestamp() == START + 86400
    box = job.region.box
    assert all(box.south < lat - 0.05 and lat + 0.05 < box.north for lat, _ in FRIULI.values())
    assert all(box.west < lon - 0.05 and lon + 0.05 < box.east for _, lon in FRIULI.values())
    assert box.north - box.south < 1.0
    assert [layer.vp for layer in job.associate.velocity.layers] == [5.85, 6.8, 8.0]  # of the packaged jobs there
    assert job.associate.min_picks == 4


def test_elsewhere_the_model_is_iasp91_and_odd_sensors_are_named(db, tmp_path):
    fill(db, {name: (lat - 80, lon + 60) for name, (lat, lon) in FRIULI.items()}, rate=40.0, chan="GHZ")
    text = proposed_job(db, "south")
    assert "IASP91" in text and "40 Hz" in text and "GH, which the usual one has not" in text
    assert "# evaluate: {reference: NAME}" in text and "interpolated" in text
    assert IASP91.layers[0].vp == 5.8
    write_proposed_job(db, "south", tmp_path / "south.yaml")
    assert load_job_file(tmp_path / "south.yaml").associate.velocity == IASP91


def test_stations_on_both_sides_of_the_date_line_make_one_region(db, tmp_path):
    fill(db, {"A": (-17.0, 179.5), "B": (-17.5, -179.6), "C": (-16.8, 179.9)})
    write_proposed_job(db, "fiji", tmp_path / "fiji.yaml")
    box = load_job_file(tmp_path / "fiji.yaml").region.box
    assert box.east - box.west < 3


def test_a_job_on_picks_needs_no_waveforms(db, tmp_path):
    fill(db, FRIULI)
    db.wf_miniseed.delete_many({})
    with pytest.raises(InputError, match="no waveforms"):
        proposed_job(db, "picks")
    with pytest.raises(InputError, match="no picks under the name 'ogs'"):
        proposed_job(db, "picks", "ogs")
    pick = {"pick_set": "ogs", "config_id": "x", "task_id": "x", "channel_group": ".BAD..", "net": "", "loc": ""}
    pick |= {"sta": "BAD", "chan": "", "phase": "P", "time": START, "evaluation_mode": "manual"}
    db.pick.insert_many([pick | {"_id": str(n), "sta": sta} for n, sta in enumerate([*FRIULI, "NOWHERE"])])
    text = write_proposed_job(db, "picks", tmp_path / "p.yaml", "ogs")
    job = load_job_file(tmp_path / "p.yaml")
    assert job.pick_set_name == "ogs" and "pick" not in job.stages and "NOWHERE" in text


@pytest.mark.parametrize("name", ["2024", "null", "no", "2024-03-01", "010"])
def test_names_that_yaml_has_another_sense_for_are_names(db, tmp_path, name):
    fill(db, {"BAD": FRIULI["BAD"]}, chan="NOZ")
    db.catalog.insert_one(
        {"_id": name, "kind": "reference", "config_id": "x", "starttime": START, "endtime": START + 900}
    )
    write_proposed_job(db, name, tmp_path / "j.yaml")
    job = load_job_file(tmp_path / "j.yaml")
    assert (job.name, job.catalog, job.evaluate.reference) == (name, name, name)
    assert job.pick.channel_priority == ("NO",)
    pick = {"pick_set": name, "config_id": "x", "task_id": "x", "channel_group": ".BAD..", "net": "", "loc": ""}
    pick |= {"sta": "BAD", "chan": "", "phase": "P", "time": START, "evaluation_mode": "manual"}
    db.pick.insert_one(pick | {"_id": "a"})
    write_proposed_job(db, "picks", tmp_path / "p.yaml", name)
    assert load_job_file(tmp_path / "p.yaml").pick_set_name == name


def test_files_and_names_that_cant_be_are_refused(db, tmp_path):
    fill(db, FRIULI)
    (tmp_path / "a.yaml").write_text("mine")
    with pytest.raises(InputError, match=r"a\.yaml: exists already"):
        write_proposed_job(db, "a", tmp_path / "a.yaml")
    assert (tmp_path / "a.yaml").read_text() == "mine"
    with pytest.raises(InputError, match="is no name"):
        proposed_job(db, "a b")
    db.site.delete_many({})
    with pytest.raises(InputError, match="has a place"):
        proposed_job(db, "a")
