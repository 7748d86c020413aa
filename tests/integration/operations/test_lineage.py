"""`why`: from an event down to the bytes that it was made from."""

import os

import pytest

from catalogdb.upkeep.lineage import lineage


@pytest.fixture
def event(finished):
    return finished.db.event.find_one({"catalog": "ops"}, sort=[("time", 1)])


def arrivals(history):
    return [arrival for origin in history["origins"] for arrival in origin["arrivals"]]


def test_an_event_is_traced_to_its_files(finished, event):
    history = lineage(finished.db, event["_id"])
    report = finished.reports[0]
    config = finished.db.pick_set.find_one({"_id": "ops"})["config"]
    assert history["catalog"]["config"]["associate"]["associator"] == "pyocto"
    (pick_set,) = history["pick_sets"]
    assert (
        pick_set["config"]["picker"]["networks"][0]["weights_sha256"]
        == config["picker"]["networks"][0]["weights_sha256"]
    )
    tasks = [history["event"]["task"], history["origins"][0]["task"], history["magnitudes"][0]["task"]]
    assert [task["stage"] for task in tasks] == ["assemble", "associate", "magnitude"]
    assert {task["run"]["run_id"] for task in tasks} == {report.run_id}
    assert tasks[0]["run"]["versions"]["catalogdb"] and tasks[0]["run"]["host"]

    found = arrivals(history)
    assert len(found) == event["n_picks"] >= 4
    for arrival in found:
        pick = arrival["pick"]
        assert pick["_id"] == arrival["pick_id"] and pick["task"]["run"]["run_id"] == report.run_id
        assert pick["peak"]["values"]["probability"] == pytest.approx(pick["probability"], abs=1e-4)
        assert pick["peak"]["values"]["time_us"] / 1e6 == pytest.approx(pick["time"], abs=1e-3)
        block = pick["probability_block"]
        assert block["starttime"] <= pick["time"] < block["endtime"] and "blob" not in block
        assert block["largest"][pick["phase"]] >= pick["probability"] - 1 / 254
        assert {segment["chan"] for segment in pick["segments"]} == {"HHE", "HHN", "HHZ"}
        for segment in pick["segments"]:
            file = segment["file"]
            stat = os.stat(file["path"])
            assert (file["size"], file["mtime_ns"], file["state"]) == (stat.st_size, stat.st_mtime_ns, "indexed")
            assert file["as_used"] is True
            assert segment["foff"] + segment["nbytes"] <= stat.st_size


def test_a_file_that_was_indexed_anew_with_other_content_is_named(copy, event, command):
    pick = arrivals(lineage(copy.db, event["_id"]))[0]["pick"]
    segment = next(segment for segment in pick["segments"] if segment["chan"] == pick["chan"])
    name = {"dfile": os.path.basename(segment["file"]["path"])}
    assert copy.db.wf_file.update_one(name, {"$set": {"digest": "0" * 32}}).modified_count == 1
    pick = arrivals(lineage(copy.db, event["_id"]))[0]["pick"]
    by_channel = {segment["chan"]: segment["file"]["as_used"] for segment in pick["segments"]}
    assert by_channel == {chan: chan != pick["chan"] for chan in ("HHE", "HHN", "HHZ")}
    assert "changed since it was picked" in command(copy.settings, "why", event["_id"]).out


def test_the_tree_and_the_json_say_the_same(finished, command, event):
    tree = command(finished.settings, "why", event["_id"][:8])
    history = command(finished.settings, "why", event["_id"], "--json").json
    assert tree.code == 0
    paths = {segment["file"]["path"] for arrival in arrivals(history) for segment in arrival["pick"]["segments"]}
    for text in (*paths, event["_id"], finished.reports[0].run_id, history["event"]["task"]["task_id"]):
        assert text in tree.out
    for arrival in arrivals(history):
        assert arrival["pick_id"] in tree.out and arrival["pick"]["probability_block"]["_id"] in tree.out
    assert history["pick_sets"][0]["config"]["picker"]["networks"][0]["weights_sha256"] in tree.out


def test_a_repicked_event_leads_to_the_peaks_that_were_kept(copy, command):
    assert command(copy.settings, "repick", "--pick-set", "ops", "--name", "strict", "--p-threshold", "0.5").code == 0
    report = copy.run("stages=[associate]", "pick_set=strict", "catalog=strict")
    assert report.status == "done"
    history = lineage(copy.db, copy.db.event.find_one({"catalog": "strict"})["_id"])
    assert [row["name"] for row in history["pick_sets"]] == ["strict", "ops"]
    for arrival in arrivals(history):
        pick = arrival["pick"]
        assert pick["pick_set"] == "strict" and pick["peak"]["row"] is not None
        assert copy.db.peak.find_one({"_id": pick["peak"]["table"]})["pick_set"] == "ops"
        assert all(segment["file"]["as_used"] for segment in pick["segments"]) and len(pick["segments"]) == 3


def test_a_reference_event_leads_to_its_file(finished, command):
    event = finished.db.event.find_one({"catalog": "truth"})
    history = command(finished.settings, "why", event["source_id"], "--json").json
    assert history["event"]["_id"] == event["_id"] and history["event"]["task"]["stage"] == "ingest"
    assert history["catalog"]["config"]["files"][0]["name"] == "truth.xml"
    assert all("segments" not in arrival["pick"] and arrival["pick"]["source_id"] for arrival in arrivals(history))
    tree = command(finished.settings, "why", event["_id"]).out
    assert "truth.xml, SHA-256" in tree and "read by ingest task" in tree


def test_what_is_no_event_is_explained(finished, command, event):
    def refused(text):
        result = command(finished.settings, "why", text)
        assert result.code == 2 and f"no event {text!r}" in result.err
        return result.err

    pick = arrivals(lineage(finished.db, event["_id"]))[0]["pick_id"]
    users = finished.db.event.distinct("_id", {"origins.arrivals.pick_id": pick})
    assert len(users) == 2 and all(identity in refused(pick) for identity in users)
    origin = finished.db.origin.find_one({"event_id": event["_id"]})
    assert f"an origin of event {event['_id']}" in refused(origin["_id"])
    assert event["_id"] in refused(event["_id"][:-1] + "z")
    assert "catalogdb query events" in refused("zzzz")
    assert "source_id" not in refused("{'$ne': 1}")
