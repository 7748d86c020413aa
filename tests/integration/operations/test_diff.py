"""`diff`: two catalogs, two pick sets, their settings."""

import numpy as np


def test_catalogs_of_the_same_settings_do_not_differ(finished, command):
    before = finished.dump()
    result = command(finished.settings, "diff", "ops", "twin", "--json")
    assert result.code == 0 and result.json["equal"]
    events = result.json["events"]
    assert events["a"] == events["b"] == events["same"] == 5
    assert result.json["settings"] == [] and result.json["picks"] is None
    text = command(finished.settings, "diff", "ops", "twin")
    assert text.code == 0 and "nothing differs" in text.out
    assert finished.dump() == before


def test_what_was_changed_is_what_differs(copy, command):
    rows = list(copy.db.event.find({"catalog": "twin"}).sort("time", 1))
    assert len(rows) == 5
    events = copy.db.event
    events.update_one({"_id": rows[0]["_id"]}, {"$set": {"time": rows[0]["time"] + 0.25}})
    events.update_one({"_id": rows[1]["_id"]}, {"$inc": {"depth_km": 2.0, "n_p": 1}})
    events.update_one({"_id": rows[2]["_id"]}, {"$unset": {"magnitude": ""}})
    events.delete_one({"_id": rows[3]["_id"]})
    events.insert_one(rows[3] | {"_id": "new", "time": rows[3]["time"] + 60.0})
    result = command(copy.settings, "diff", "ops", "twin", "--json")
    assert result.code == 1 and not result.json["equal"]
    found_diff = result.json["events"]
    counts = {key: found_diff[key] for key in ("a", "b", "same", "moved", "only_a", "only_b")}
    assert counts == {"a": 5, "b": 5, "same": 1, "moved": 3, "only_a": 1, "only_b": 1}
    in_time, deeper, without_magnitude = found_diff["moved_rows"]
    assert [row["b_id"] for row in found_diff["moved_rows"]] == [row["_id"] for row in rows[:3]]
    assert np.isclose(in_time["dt"], 0.25) and in_time["distance_km"] < 1e-6
    assert np.isclose(deeper["depth_difference_km"], 2.0)
    assert [deeper["picks_b"][0] - deeper["picks_a"][0], deeper["picks_b"][1] - deeper["picks_a"][1]] == [1, 0]
    assert without_magnitude["magnitude_difference"] is None
    assert [row["event_id"] for row in found_diff["only_b_rows"]] == ["new"]
    assert np.isclose(found_diff["only_a_rows"][0]["time"], rows[3]["time"])
    assert copy.db.event.find_one({"_id": found_diff["only_a_rows"][0]["event_id"]})["catalog"] == "ops"

    narrow = command(copy.settings, "diff", "ops", "twin", "--max-dt", "0.1", "--json").json["events"]
    assert (narrow["moved"], narrow["only_a"], narrow["only_b"]) == (2, 2, 2)
    short = command(copy.settings, "diff", "ops", "twin", "--limit", "1", "--json").json["events"]
    assert short["moved"] == 3 and len(short["moved_rows"]) == 1
    text = command(copy.settings, "diff", "ops", "twin")
    assert text.code == 1 and "only in twin" in text.out and "in one alone" in text.out
    end = np.datetime_as_string(np.datetime64(int(rows[1]["time"] * 1000) - 5000, "ms"))
    part = command(copy.settings, "diff", "ops", "twin", "--endtime", end, "--json").json["events"]
    assert (part["a"], part["moved"]) == (1, 1)


def test_other_settings_are_named_key_by_key(copy, command):
    assert copy.run("associate.min_picks=5", "magnitude.min_snr=2.5", name="other").status == "done"
    result = command(copy.settings, "diff", "ops", "other", "--json")
    assert result.code == 1
    assert result.json["settings"] == [
        {"key": "associate.min_picks", "a": 4, "b": 5},
        {"key": "magnitude.min_snr", "a": 3, "b": 2.5},
    ]
    same = result.json["events"]["same"] == result.json["events"]["a"] == result.json["events"]["b"]
    without = command(copy.settings, "diff", "ops", "other", "--no-settings")
    assert without.code == (0 if same else 1)


def test_pick_sets(copy, command):
    assert command(copy.settings, "repick", "--pick-set", "ops", "--name", "strict", "--s-threshold", "0.99").code == 0
    result = command(copy.settings, "diff", "ops", "strict", "--json")
    assert result.code == 1 and result.json["kind"] == "pick sets"
    keys = [row["key"] for row in result.json["settings"]]
    assert keys == ["settings.probability", "settings.s_threshold"] or "settings.s_threshold" in keys
    p, s = (result.json["picks"]["phases"][phase] for phase in "PS")
    count = copy.db.pick.count_documents
    assert p["same"] == p["a"] == p["b"] == count({"pick_set": "ops", "phase": "P"}) > 0
    assert s["a"] == count({"pick_set": "ops", "phase": "S"}) and s["b"] == count({"pick_set": "strict", "phase": "S"})
    assert s["same"] == s["b"] < s["a"] and s["only_a"] == s["a"] - s["b"] and s["only_b"] == 0
    assert sum(row["only_a"] for row in result.json["picks"]["stations"]) == s["only_a"]
    assert command(copy.settings, "diff", "strict", "ops").code == 1

    moved = list(copy.db.pick.find({"pick_set": "ops", "phase": "P"}).limit(3))
    copy.db.pick.update_one({"_id": moved[0]["_id"]}, {"$inc": {"time": 0.1}})
    copy.db.pick.update_one({"_id": moved[1]["_id"]}, {"$set": {"phase": "S"}})
    copy.db.pick.update_one({"_id": moved[2]["_id"]}, {"$inc": {"time": 0.7}})
    p = command(copy.settings, "diff", "strict", "ops", "--json").json["picks"]["phases"]["P"]
    assert (p["moved"], p["other_phase"], p["only_a"], p["only_b"]) == (1, 1, 1, 1)
    wider = command(copy.settings, "diff", "strict", "ops", "--max-pick-dt", "1", "--json").json["picks"]["phases"]["P"]
    assert (wider["moved"], wider["only_a"]) == (2, 0)
    assert command(copy.settings, "diff", "ops", "ops", "--pick-sets").code == 0


def test_a_catalog_and_its_reference(finished, command):
    result = command(finished.settings, "diff", "ops", "truth", "--json").json
    phases = result["picks"]["phases"]
    assert phases["P"]["b"] == phases["S"]["b"] == 20
    for row in phases.values():
        assert row["same"] + row["moved"] + row["only_a"] <= row["a"]
        assert row["moved"] > 15
    assert "one was read from files" in command(finished.settings, "diff", "ops", "truth").out


def test_unknown_names_are_wrong_input_not_a_difference(finished, command):
    result = command(finished.settings, "diff", "ops", "nobody")
    assert result.code == 2 and "no catalog 'nobody'" in result.err
    assert command(finished.settings, "diff", "nobody", "ops", "--pick-sets").code == 2
