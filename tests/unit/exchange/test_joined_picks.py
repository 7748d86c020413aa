"""Tables of events and of picks: ids are believed where times agree with them."""

import random

import pytest

from catalogdb.exchange.catalog_files import read_catalog_files
from catalogdb.exchange.documents import catalog_documents
from catalogdb.exchange.file_names import distinct_names
from catalogdb.times import format_time

HOUR = 3600.0
START = 1_704_067_200.0


def write(tmp_path, origins, picks):
    """Files of events (id: origin time) and of picks (id of the event: times), in seconds after the start."""
    files = [tmp_path / "events.csv", tmp_path / "picks.csv"]
    rows = [f"{name},{format_time(START + time)},46,13,5\n" for name, time in origins.items()]
    files[0].write_text("event_id,time,latitude,longitude,depth_km\n" + "".join(rows))
    rows = [
        f"{name},{format_time(START + time)},S{number},P\n"
        for name, times in picks.items()
        for number, time in enumerate(times)
    ]
    files[1].write_text("event_id,time,station,phase\n" + "".join(rows))
    return files


def delays(catalog):
    """Event id -> its arrivals' seconds after the origin."""
    documents = catalog_documents(catalog, "name", "config", "task", {})
    found = {}
    for event in documents.events:
        arrivals = [arrival for origin in event["origins"] for arrival in origin.get("arrivals", [])]
        found[event["source_id"]] = [round(arrival["time"] - event["time"], 3) for arrival in arrivals]
    return documents.counts, found


def test_ids_shifted_by_one_are_not_believed(tmp_path):
    origins = {str(n): n * HOUR for n in range(1, 11)}
    picks = {str(n - 1): [n * HOUR + 3, n * HOUR + 5] for n in range(1, 12)}
    catalog = read_catalog_files(write(tmp_path, origins, picks))
    counts, found = delays(catalog)
    assert found == {str(n): [3, 5] for n in range(1, 11)}
    assert (counts["picks"], counts["picks_whose_event_is_missing"]) == (22, 2)
    (note,) = catalog.notes
    assert note.startswith("picks.csv: its event ids are not those of events.csv: of 10 of the 10 ids in both")
    assert note.endswith("the picks of 10 ids of 11; its ids are those of events.csv - 1 (10 of them)")


def test_ids_shifted_within_a_swarm_are_not_believed(tmp_path):
    """All picks follow the event of their id within three minutes, and yet another event comes between."""
    origins = {str(n): n * 60.0 + n * n for n in range(10)}
    picks = {str(n - 1): [origins[str(n)] + 2, origins[str(n)] + 4] for n in range(1, 10)}
    found = delays(read_catalog_files(write(tmp_path, origins, picks)))[1]
    assert found == {"0": []} | {str(n): [2, 4] for n in range(1, 10)}


def test_right_ids_of_a_swarm_far_from_all_stations_stay(tmp_path):
    """The next event has often begun when the first wave arrives."""
    origins = {str(n): 35.0 * n + (n * 7) % 13 for n in range(30)}
    found = delays(read_catalog_files(write(tmp_path, origins, {n: [time + 42] for n, time in origins.items()})))[1]
    assert found == {n: [42] for n in origins}


@pytest.mark.parametrize("seed", range(5))
def test_right_ids_of_few_events_of_a_swarm_stay(tmp_path, seed):
    """Each has others between itself and its first pick, and times of any kind fit them as well."""
    draw = random.Random(seed)
    times = sorted(draw.uniform(0.0, 20.0 * 300) for _ in range(300))
    origins = {str(n): time for n, time in enumerate(times)}
    wanted = {name: round(draw.uniform(15.0, 40.0), 3) for name in draw.sample(sorted(origins), 4)}
    picks = {name: [origins[name] + delay] for name, delay in wanted.items()}
    found = delays(read_catalog_files(write(tmp_path, origins, picks)))[1]
    assert {name: found[name] for name in wanted} == {name: [delay] for name, delay in wanted.items()}


@pytest.mark.parametrize("seed", range(3))
def test_right_ids_of_distant_aftershocks_stay(tmp_path, seed):
    """The first wave takes twelve minutes, in which dozens of others begin."""
    draw = random.Random(seed)
    times = sorted(draw.uniform(0.0, 20.0 * 200) for _ in range(200))
    origins = {str(n): time for n, time in enumerate(times)}
    picks = {str(n): [times[n] + draw.uniform(720.0, 723.0)] for n in range(0, 200, 7)}
    found = delays(read_catalog_files(write(tmp_path, origins, picks)))[1]
    assert all(720.0 <= found[name][0] <= 723.0 for name in picks)


def test_right_ids_of_events_listed_twice_stay(tmp_path):
    origins = {str(n): n * HOUR for n in range(10)}
    found = delays(
        read_catalog_files(
            write(
                tmp_path,
                origins | {f"b{n}": time + 1.5 for n, time in origins.items()},
                {n: [time + 12] for n, time in origins.items()},
            )
        )
    )[1]
    assert {n: found[n] for n in origins} == {n: [12] for n in origins}


def test_ids_shifted_from_an_event_on_are_linked_by_time(tmp_path):
    origins = {str(n): n * HOUR for n in range(10)}
    picks = {str(n if n < 7 else n + 1): [n * HOUR + (90.0 if n == 3 else 3.0)] for n in range(10)}
    catalog = read_catalog_files(write(tmp_path, origins, picks))
    assert delays(catalog)[1] == {str(n): [90 if n == 3 else 3] for n in range(10)}
    assert "of 2 of the 9 ids in both" in catalog.notes[0]


def test_two_events_whose_ids_are_exchanged(tmp_path):
    found = delays(read_catalog_files(write(tmp_path, {"a": 0, "b": HOUR}, {"b": [3], "a": [HOUR + 4]})))[1]
    assert found == {"a": [3], "b": [4]}


@pytest.mark.parametrize("delay", [0.1, 20, 170, 900])
def test_right_ids_stay_whatever_the_distance(tmp_path, delay):
    files = write(tmp_path, {str(n): n * HOUR for n in range(20)}, {str(n): [n * HOUR + delay] for n in range(1, 20)})
    catalog = read_catalog_files(files)
    assert delays(catalog)[1] == {"0": []} | {str(n): [delay] for n in range(1, 20)}
    assert catalog.notes == [] and not any("picks of no event" in text for text in catalog.repaired)
    assert {pick["event_key"] for pick in catalog.picks} == {str(n) for n in range(1, 20)}


def test_picks_far_from_the_event_of_their_id_are_of_none(tmp_path):
    picks = {str(n): [n * HOUR + 3] for n in range(20)} | {"7": [20.5 * HOUR, 20.6 * HOUR], "8": [8 * HOUR + 3, -HOUR]}
    files = write(tmp_path, {str(n): n * HOUR for n in range(20)}, picks)
    catalog = read_catalog_files(files)
    counts, found = delays(catalog)
    assert (found["7"], found["8"], found["9"]) == ([], [3], [3])
    assert (counts["events"], counts["picks"], counts["picks_of_no_event"]) == (20, 22, 3)
    assert counts["picks_whose_event_is_missing"] == 0
    assert catalog.repaired[-2:] == [
        f"{files[1]}: lines 9, 10: 2 picks of event 7 are 13.5 hours after its origin: kept as picks of no event",
        f"{files[1]}: line 12: 1 picks of event 8 are 9.0 hours before its origin: kept as picks of no event",
    ]
    assert catalog.notes == []


def test_picks_of_another_year_are_of_no_event(tmp_path):
    origins = {str(n): n * HOUR for n in range(5)}
    counts, found = delays(
        read_catalog_files(write(tmp_path, origins, {str(n): [n * HOUR + 9000 * HOUR] for n in range(5)}))
    )
    assert not any(found.values()) and (counts["picks"], counts["picks_of_no_event"]) == (5, 5)


def test_picks_without_any_events_keep_theirs(tmp_path):
    path = write(tmp_path, {}, {"1": [0, 9000 * HOUR]})[1]
    assert [pick["event_key"] for pick in read_catalog_files([path]).picks] == ["1", "1"]


def test_real_tables_that_are_numbered_apart(realdata):
    folder = realdata / "ogs_2024_h1"
    for name, linked in (("events_ogs_bulletin_txt", 664), ("events_ogs_relocated_nll1d", 770)):
        catalog = read_catalog_files([folder / f"{name}.csv", folder / "picks_manual.csv"])
        found = [values for values in delays(catalog)[1].values() if values]
        assert len(found) == linked and all(-1.5 <= values[0] <= 90 for values in found)
        assert len(catalog.notes) == 1
    assert read_catalog_files([folder / "events_ogs_hypo71.csv", folder / "picks_manual.csv"]).notes == []


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a/x.csv", "a/y.csv"], ["x.csv", "y.csv"]),
        (["t/x/B.dat", "t/y/B.dat", "C.dat"], ["x/B.dat", "y/B.dat", "C.dat"]),
        (["B.dat", "x/B.dat"], ["B.dat", "x/B.dat"]),
        (["1/x/B.dat", "2/x/B.dat"], ["1/x/B.dat", "2/x/B.dat"]),
    ],
)
def test_files_of_one_name_are_told_apart(paths, names):
    assert distinct_names(paths) == dict(zip(paths, names, strict=True))
