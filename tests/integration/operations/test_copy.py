"""`copy`: a catalog as it was, which no run changes."""

import pytest

from catalogdb.comparisons import evaluate
from catalogdb.comparisons.picked_waveforms import picked_waveforms
from catalogdb.database.owner import owner
from catalogdb.errors import InputError, NameTaken
from catalogdb.exchange.event_filter import EventFilter
from catalogdb.stages.copy_catalog import copy_catalog
from catalogdb.stages.ingest_catalog import ingest_catalog
from catalogdb.stages.read_catalog import catalog_contents
from catalogdb.stages.read_probability import nothing_stored
from catalogdb.stages.repick import repick
from catalogdb.upkeep.diff import diff_catalogs
from catalogdb.upkeep.lineage import find_event, lineage
from catalogdb.upkeep.prune import count_leftovers, find_leftovers
from catalogdb.upkeep.removal import remove
from catalogdb.upkeep.rename import rename

OWN = ("_id", "catalog", "pick_set", "config_id", "task_id", "source_id", "creation_info", "event_key")


def content(db, name):
    """Events with their picks, without ids."""

    def pick_of(pick):
        return {key: value for key, value in pick.items() if key not in OWN}

    with catalog_contents(db, name, EventFilter(), want_picks=True, want_loose=True) as contents:
        events = []
        for event, picks in contents.events:
            row = {key: value for key, value in event.items() if key not in OWN and not key.startswith("preferred_")}
            row["origins"] = [
                {key: value for key, value in origin.items() if key not in ("_id", "arrivals", "task_id")}
                | {"arrivals": [{k: v for k, v in arrival.items() if k != "pick_id"} for arrival in origin["arrivals"]]}
                for origin in event["origins"]
            ]
            row["magnitudes"] = [{k: v for k, v in part.items() if k != "_id"} for part in event["magnitudes"]]
            events.append((row, sorted(map(pick_of, picks), key=lambda pick: (pick["time"], pick["sta"]))))
        return events, list(map(pick_of, contents.picks_of_no_event))


def test_a_copy_holds_what_the_catalog_held(copy):
    result = copy_catalog(copy.db, "ops", "kept")
    assert result["changed"] and result["counts"]["events"] == copy.db.event.count_documents({"catalog": "ops"})
    assert content(copy.db, "kept") == content(copy.db, "ops")
    assert copy.db.pick.count_documents({"pick_set": "kept"}) == copy.db.pick.count_documents({"pick_set": "ops"})
    for name in ("event", "pick"):
        assert len(copy.db[name].distinct("_id")) == copy.db[name].count_documents({})
    for event in copy.db.event.find({"catalog": "kept"}):
        assert event["preferred_origin_id"] in [origin["_id"] for origin in event["origins"]]
        named = [arrival["pick_id"] for origin in event["origins"] for arrival in origin["arrivals"]]
        assert copy.db.pick.count_documents({"pick_set": "kept", "_id": {"$in": named}}) == len(set(named))
    assert diff_catalogs(copy.db, "ops", "kept")["equal"]


def test_a_copys_magnitude_keeps_its_origin(copy):
    event = copy.db.event.find_one({"catalog": "ops"})
    origins = [*event["origins"], event["origins"][0] | {"_id": "other"}]
    magnitudes = [{"_id": "m", "type": "ML", "value": 2.0, "origin_id": "other"}]
    copy.db.event.update_one({"_id": event["_id"]}, {"$set": {"origins": origins, "magnitudes": magnitudes}})
    copy_catalog(copy.db, "ops", "kept")
    copied = copy.db.event.find_one({"catalog": "kept", "source_id": event["_id"]})
    assert copied["magnitudes"][0]["origin_id"] == copied["origins"][-1]["_id"] != "other"


def test_a_copy_stays_when_the_catalog_changes(copy):
    copy_catalog(copy.db, "ops", "kept")
    before = content(copy.db, "kept")
    assert copy.run("pick.p_threshold=0.9", "pick.s_threshold=0.9", "pick_set=strict", replace=True).status == "done"
    assert content(copy.db, "ops") != before
    remove(copy.db, "catalog", "ops")
    assert content(copy.db, "kept") == before


def test_the_same_copy_again_changes_nothing(copy):
    copy_catalog(copy.db, "ops", "kept")
    assert not copy_catalog(copy.db, "ops", "kept")["changed"]
    copy.db.event.delete_one({"catalog": "ops"})
    with pytest.raises(NameTaken, match="copy of 'ops' as it was"):
        copy_catalog(copy.db, "ops", "kept")
    assert copy_catalog(copy.db, "ops", "kept", replace=True)["changed"]
    assert content(copy.db, "kept") == content(copy.db, "ops")


def test_a_copy_is_judged_as_its_catalog_is(copy):
    copy_catalog(copy.db, "ops", "kept")
    one, two = (evaluate(copy.db, name, "truth") for name in ("ops", "kept"))
    assert one["events"] == two["events"] and one["picks"] == two["picks"]
    day = copy.db.wf_miniseed.find_one()["starttime"]
    for period in ((day, day + 1800), (day, day + 7200)):
        one, two = (picked_waveforms(copy.db, name, period) for name in ("ops", "kept"))
        assert one.segments == two.segments and one.shards.keys() == two.shards.keys()


def add_types_and_features(db):
    """What the waveforms of `ops` say of its events, as the stages write it."""
    for event in db.event.find({"catalog": "ops"}):
        own = {"catalog": "ops", "config_id": event["config_id"], "task_id": "made", "event_id": event["_id"]}
        own |= {"time": event["time"], "n_stations": 0, "stations": []}
        kind = {
            "hour": 11.0,
            "decision": "no_station",
            "least_probability": 0.9,
            "weights": {"name": "a", "sha256": "b"},
        }
        db.event_type.insert_one(own | kind | {"_id": f"type {event['_id']}"})
        db.feature.insert_one(own | {"_id": f"feature {event['_id']}", "cluster": 1, "silhouette": 0.5, "map": [0, 0]})


def test_types_and_features_go_along(copy):
    copy_catalog(copy.db, "ops", "kept")
    add_types_and_features(copy.db)
    with pytest.raises(NameTaken, match="as it was at"):  # they are content
        copy_catalog(copy.db, "ops", "kept")
    copy_catalog(copy.db, "ops", "kept", replace=True)
    events = [event["_id"] for event in copy.db.event.find({"catalog": "kept"})]
    for name in ("event_type", "feature"):
        assert sorted(row["event_id"] for row in copy.db[name].find({"catalog": "kept"})) == sorted(events)
        assert copy.db[name].count_documents({"catalog": "ops"}) == len(events)
    assert lineage(copy.db, events[0])["event_type"]["decision"] == "no_station"
    assert not copy_catalog(copy.db, "ops", "kept")["changed"]
    assert count_leftovers(copy.db, find_leftovers(copy.db))[1].get("feature") is None
    remove(copy.db, "catalog", "kept")
    for name in ("event_type", "feature", "event"):
        assert copy.db[name].count_documents({"catalog": "kept"}) == 0


def test_an_event_is_found_by_the_id_it_was_copied_from(copy, command):
    event = copy.db.event.find_one({"catalog": "ops"})
    copy_catalog(copy.db, "ops", "kept")
    assert find_event(copy.db, event["_id"])["catalog"] == "ops"
    remove(copy.db, "catalog", "ops")
    assert find_event(copy.db, event["_id"])["catalog"] == "kept"
    assert "copied from: ops" in command(copy.settings, "why", event["_id"]).out


def test_an_ingested_catalog_is_copied_with_its_picks(copy):
    copy_catalog(copy.db, "truth", "kept")
    assert content(copy.db, "kept") == content(copy.db, "truth")
    keys = [sorted(copy.db.event.distinct("source_id", {"catalog": name})) for name in ("truth", "kept")]
    assert keys[0] == keys[1]


def test_names_that_are_taken_are_refused(copy):
    for new, error in (("twin", "it is no copy"), ("ops", "copy of itself"), ("a b", "no name")):
        with pytest.raises(InputError, match=error):
            copy_catalog(copy.db, "ops", new, replace=True)
    with pytest.raises(InputError, match="no catalog .absent."):
        copy_catalog(copy.db, "absent", "kept")
    copy_catalog(copy.db, "ops", "kept")
    with pytest.raises(NameTaken, match="is a copy of 'ops'"):
        ingest_catalog(copy.db, list(copy.folder.glob("*truth*")), "kept", replace=True)
    with pytest.raises(NameTaken, match="other settings"):
        copy.run(name="kept")


def test_a_renamed_copy_is_known_again(copy):
    copy_catalog(copy.db, "ops", "kept")
    rename(copy.db, "catalog", "kept", "older")
    assert copy.db.catalog.find_one({"_id": "older"})["pick_set"] == "older"
    assert not copy_catalog(copy.db, "ops", "older")["changed"]
    with pytest.raises(NameTaken, match="renamed to 'older'"):
        copy_catalog(copy.db, "ops", "kept")


def test_a_copy_is_removed_whole_and_pruned_never(copy, command):
    before = {name: copy.db[name].count_documents({}) for name in ("event", "pick", "task")}
    dry = command(copy.settings, "copy", "catalog", "ops", "kept", "--json").json
    assert dry["changed"] and command(copy.settings, "prune", "--json", "--yes").json["removed"] == {}
    assert "holds that already" in command(copy.settings, "copy", "catalog", "ops", "kept").out
    remove(copy.db, "catalog", "kept")
    remove(copy.db, "pick_set", "kept")
    assert {name: copy.db[name].count_documents({}) for name in before} == before


def test_removal_names_the_pick_set_that_nothing_needs(copy, command):
    copy_catalog(copy.db, "ops", "kept")
    said = command(copy.settings, "remove", "catalog", "kept", "--yes").err
    assert "pick set kept stays" in said and "catalogdb remove pick-set kept" in said
    dry = command(copy.settings, "remove", "catalog", "twin", "--dry-run", "--json").json
    assert dry["pick_set_left"] is None  # `ops` is made from it, too


def test_a_removal_broken_off_leaves_no_half_of_a_copy(copy):
    class Killed(Exception):
        pass

    def kill(collection, number):
        raise Killed

    copy_catalog(copy.db, "ops", "kept")
    for kind in ("catalog", "pick_set"):
        with pytest.raises(Killed):
            remove(copy.db, kind, "kept", kill)
        assert copy.db[kind].count_documents({"_id": "kept"}) == 0
        if kind == "catalog":
            remove(copy.db, kind, "kept")
    assert copy_catalog(copy.db, "ops", "kept")["changed"]
    assert content(copy.db, "kept") == content(copy.db, "ops")


def test_a_copy_says_that_a_run_is_at_the_catalog(copy, command):
    run_id = copy.reports[0].run_id
    working = {"$set": {"status": "running", "owner": owner()}, "$currentDate": {"alive": True}}
    copy.db.run.update_one({"_id": run_id}, working)
    result = command(copy.settings, "copy", "catalog", "ops", "kept", "--json")
    assert result.json["changed"] and f"run {run_id} works on 'ops' now" in result.err
    assert "works on" not in command(copy.settings, "copy", "catalog", "twin", "other").err


def test_what_needs_peaks_or_traces_refuses_a_copy(copy):
    copy_catalog(copy.db, "ops", "kept")
    with pytest.raises(InputError, match="'kept' has no peaks to choose from: it is a copy"):
        repick(copy.db, "kept", "strict", p_threshold=0.5)
    assert copy.db.pick_set.count_documents({"_id": "strict"}) == 0
    error = nothing_stored(copy.db, copy.db.pick_set.find_one({"_id": "kept"}), "OX", "BAD", 0.0, 1.0)
    assert "it is a copy" in str(error)
