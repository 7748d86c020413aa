"""The listing: every column, and every quirk that real files have."""

import pytest
from ogs_lines import (
    event_line,
    reasons,
    repairs,
    station_line,
)

from catalogdb.exchange.ogs.listing_hpl import read_hpl
from catalogdb.times import parse_time

# -- .hpl and .hpc


LISTED = {
    58: " 12",
    61: "  4",
    65: "117",
    69: "1",
    71: "0.21",
    76: " 0.6",
    80: "  1.3",
    86: "B",
    88: "B/C",
    112: "  2",
    115: "  1.1",
    120: "  0.3",
    125: "  5",
    128: "  1.5",
    133: "  0.2",
}
STATION = {13: " 14.8", 19: "214", 23: "115", 42: "  1.68", 49: " 1.70", 54: "  0.05", 60: " -0.07", 66: "  1.27"}
STATION |= {93: "FLD", 96: " 457", 100: " 2.3*", 116: "  4.00", 122: "  0.11", 129: "  0.6", 140: "ABCD", 148: "gn"}


def test_every_column_of_a_listing(read):
    catalog = read(
        ".hpl",
        "^MONTE FINTO  D'ESEMPIO (FRIULI)",
        " " * 100,
        event_line(rest=LISTED, station_lines="  1"),
        station_line("ABCD", "ePd2", s="iS 1", s_seconds="12.50", rest=STATION),
        "* felt in the valley",
    )
    (event,) = catalog.events
    (origin,) = event["origins"]
    assert event["place"] == "MONTE FINTO D'ESEMPIO (FRIULI)" and event["remarks"] == "felt in the valley"
    assert (event["source_id"], event["zone"], event["event_type"]) == ("2024_00007", "F", "earthquake")
    assert event["time"] == origin["time"] == parse_time("2024-02-03T04:05:08.5") and "time_from" not in event
    assert (origin["latitude"], origin["longitude"]) == pytest.approx((46 + 20.5 / 60, 13 + 6.25 / 60))
    assert {key: origin[key] for key in ("depth_km", "n_picks", "minimum_distance_km", "azimuthal_gap", "rms")} == {
        "depth_km": 8.25,
        "n_picks": 12,
        "minimum_distance_km": 4.0,
        "azimuthal_gap": 117.0,
        "rms": 0.21,
    }
    assert (origin["horizontal_uncertainty_km"], origin["depth_uncertainty_km"]) == (0.6, 1.3)
    assert (origin["quality"], origin["quality_sqd"], origin["velocity_model"]) == ("B", "B/C", "1")
    assert (origin["method"], origin["source_file"], origin["source_format"]) == ("hypo71", "test.hpl", "ogs-hpl")
    ml, md = event["magnitudes"]
    assert (ml["type"], ml["value"], ml["n_stations"], ml["uncertainty"]) == ("ML", 1.1, 2, 0.3)
    assert (md["type"], md["value"], md["n_stations"], md["uncertainty"]) == ("MD", 1.5, 5, 0.2)
    assert md["station_magnitudes"] == [{"sta": "ABCD", "value": 2.3, "weight": 0.0}]
    assert event["magnitude_type"] == "ML"
    p, s = catalog.picks
    assert (p["time"], s["time"]) == (parse_time("2024-02-03T04:05:10.18"), parse_time("2024-02-03T04:05:12.5"))
    assert (p["onset"], p["first_motion"], p["hypo71_weight"], p["branch"]) == ("emergent", "d", 2, "g")
    assert (s["onset"], s["hypo71_weight"], s["branch"], p["duration"]) == ("impulsive", 1, "n", 457.0)
    first, second = origin["arrivals"]
    assert {key: first[key] for key in ("residual", "weight", "distance_km", "azimuth", "takeoff_angle")} == {
        "residual": -0.07,
        "weight": 1.27,
        "distance_km": 14.8,
        "azimuth": 214.0,
        "takeoff_angle": 115.0,
    }
    assert first["station_delay"] == 0.05 and (second["residual"], second["weight"]) == (0.11, 0.6)
    assert [arrival["pick_id"] for arrival in origin["arrivals"]] == [p["source_id"], s["source_id"]]
    assert catalog.rejected == catalog.repaired == [] and catalog.files[0].kept == 3


def test_unlocated_events_of_a_listing(read):
    catalog = read(
        ".hpl",
        event_line("     1", seconds="", latitude="", longitude="", depth="", station_lines="  1"),
        station_line("ABC", "ePC2", p_seconds=" 2.94", s="eS 2", s_seconds=" 4.70"),
        event_line(
            "     2", "1240203  5 5", seconds="", latitude="", longitude="", depth="", md="", station_lines=" 0"
        ),
    )
    first, second = catalog.events
    assert (first["time"], first["time_from"]) == (parse_time("2024-02-03T04:05:02.94"), "first_arrival")
    assert (first["origins"], first["magnitude"], first["magnitude_type"]) == ([], 1.5, "MD")
    assert (second["time"], second["time_from"]) == (parse_time("2024-02-03T05:05:00"), "minute")
    assert [pick["event_key"] for pick in catalog.picks] == ["2024_00001"] * 2


def test_hpc_has_no_numbers_and_no_places(read):
    catalog = read(
        ".hpl",
        event_line("      ", station_lines="  1"),
        station_line("ABC").replace("     7", "      ", 1),
        event_line("      ", "1240203  4 9", station_lines="  0"),
    )
    first, second = catalog.events
    assert [first["source_id"], second["source_id"]] == ["test.hpl:1", "test.hpl:3"]
    assert catalog.picks[0]["event_key"] == "test.hpl:1" and "place" not in first


def test_stations_after_midnight_and_in_the_next_minute(read):
    catalog = read(
        ".hpl",
        event_line(clock="1240203 2359", seconds="58.00"),
        station_line("ABC", clock="2359", p_seconds="59.50", s="iS 1", s_seconds="61.00"),
        station_line("DEF", clock="   0", p_seconds=" 3.00"),
    )
    assert [pick["time"] for pick in catalog.picks] == [
        parse_time("2024-02-03T23:59:59.5"),
        parse_time("2024-02-04T00:00:01"),
        parse_time("2024-02-04T00:00:03"),
    ]


@pytest.mark.parametrize(
    ("clock", "p_seconds", "p_observed", "s_seconds", "s_observed", "expected"),
    [
        # the card's P was 60.13 s after 4:05, and S still counts from there
        (" 4 6", " 0.13", "  4.59", "63.79", "  8.25", ("04:06:00.13", "04:06:03.79")),
        (" 4 7", " 0.13", " 64.59", "123.9", " 68.36", ("04:07:00.13", "04:07:03.90")),
        (" 4 5", "59.00", "  3.46", "63.79", "  8.25", ("04:05:59.00", "04:06:03.79")),
        (" 4 5", "59.00", "  3.46", "123.9", " 68.36", ("04:05:59.00", "04:07:03.90")),  # far away: it is a minute late
        (" 4 5", "59.00", "  3.46", " 3.79", "  8.25", ("04:05:59.00", "04:06:03.79")),  # of the minute after
        (" 4 5", " 0.13", "  4.59", " 3.79", "  8.25", ("04:06:00.13", "04:06:03.79")),  # P's own minute is one before
        (" 5 6", " 0.13", "  4.59", " 3.79", "  8.25", ("04:06:00.13", "04:06:03.79")),  # its hour is
        (" 4 6", " 0.13", "      ", " 3.79", "      ", ("04:06:00.13", "04:06:03.79")),  # nothing to compare with
        (" 4 6", " 0.13", "  4.59", " 3.79", " 40.00", ("04:06:00.13", "04:06:03.79")),  # no minute makes them agree
    ],
)
def test_minutes_are_those_of_observed_times(read, clock, p_seconds, p_observed, s_seconds, s_observed, expected):
    times = {42: p_observed, 116: s_observed}
    catalog = read(
        ".hpl",
        event_line(seconds="55.54", station_lines="  1"),
        station_line("ABC", clock=clock, p_seconds=p_seconds, s="iS 1", s_seconds=s_seconds, rest=times),
    )
    assert [pick["time"] for pick in catalog.picks] == [parse_time(f"2024-02-03T{time}") for time in expected]
    arrivals = catalog.events[0]["origins"][0]["arrivals"]
    assert [arrival["time"] for arrival in arrivals] == [pick["time"] for pick in catalog.picks]


def test_moved_minutes_are_said(read):
    catalog = read(
        ".hpl",
        event_line(seconds="55.54", station_lines="  1"),
        station_line(
            "ABC", clock=" 4 6", p_seconds=" 0.13", s="iS 1", s_seconds="63.79", rest={42: "  4.59", 116: "  8.25"}
        ),
    )
    assert repairs(catalog) == ["S moved by whole minutes, to where its observed travel time says that it is: line 2"]


def test_an_s_a_minute_after_p_without_observed_times_is_said(read):
    catalog = read(
        ".hpl",
        event_line(seconds="     ", latitude="", longitude="", depth="", station_lines="  1"),
        station_line("ABC", clock=" 4 6", p_seconds=" 0.13", s="iS 1", s_seconds="63.79"),
    )
    assert [pick["time"] % 3600 for pick in catalog.picks] == pytest.approx([360.13, 423.79])
    assert repairs(catalog) == [
        "S is more than a minute after P, and no observed travel time says its minute; kept so: line 2"
    ]


def test_observed_times_over_midnight(read):
    catalog = read(
        ".hpl",
        event_line(clock="1241231 2359", seconds="57.00", station_lines="  2"),
        station_line(
            "ABC", clock=" 0 0", p_seconds=" 0.50", s="iS 1", s_seconds="63.00", rest={42: "  3.50", 116: "  6.00"}
        ),
        station_line("DEF", clock="2359", p_seconds="61.00", rest={42: "  4.00"}),
    )
    assert [pick["time"] for pick in catalog.picks] == [
        parse_time("2025-01-01T00:00:00.5"),
        parse_time("2025-01-01T00:00:03"),
        parse_time("2025-01-01T00:00:01"),
    ]


def test_odd_lines_of_a_listing_are_named(read):
    catalog = read(
        ".hpl",
        "  DATE    ORIGIN    LAT N    LONG E    DEPTH    MAG NO",
        station_line("ABC"),
        "^LOST PLACE (VENETO)",
        "^FOUND PLACE (VENETO)",
        event_line(station_lines="  5", rest={80: "*****"}),
        "  STN  DIST AZM AIN PRMK HRMN P-SEC",
        station_line("ABC", "iX 1"),
        station_line("DEF", p_seconds="  x  ", s="iS 1", s_seconds="     "),
        station_line("GHI", clock="2561"),
        "     7 12345 %%% nonsense",
        event_line("     8", "1241303  4 5"),
        station_line("JKL"),
    )
    assert len(catalog.events) == 1 and catalog.picks == []
    assert catalog.events[0]["place"] == "FOUND PLACE (VENETO)"
    assert "depth_uncertainty_km" not in catalog.events[0]["origins"][0]
    assert reasons(catalog) == [
        "line 2: station line of no event line that could be read",
        "line 3: a place name without an event line after it",
        "line 7: P reading: its phase is 'X'",
        "line 8: P reading: P seconds 'x' are no seconds",
        "line 9: station line: hour and minute '2561' are not on the clock",
        "line 10: neither an event line nor a station line nor a place name",
        "line 11: event line: there is no day 2024-13-03",
        "line 12: station line of no event line that could be read",
    ]
    assert "values that overflowed their columns (*****) are taken as missing: line 5" in repairs(catalog)
    assert "S marks without seconds left out: line 8" in repairs(catalog)
    assert "the number of station lines is not the one that the event line gives: line 5" in repairs(catalog)


def test_md_of_no_stations_is_missing_and_nonlinloc_is_named(tmp_path):
    path = tmp_path / "year.nll1D.hpl"
    rest = {112: "  0", 115: "  1.1", 120: "  0.0", 125: "  0", 128: "  0.0", 133: "  0.0"}
    path.write_text(event_line(md="  0.00", rest=rest, station_lines="  0") + "\n")
    catalog = read_hpl(path)
    (event,) = catalog.events
    assert [(item["type"], item["value"]) for item in event["magnitudes"]] == [("ML", 1.1)]
    assert event["origins"][0]["method"] == "nonlinloc"
    assert repairs(catalog) == ["MD 0.00 of no stations is taken as missing: line 1"]


def test_station_magnitudes_of_an_event_without_one_are_counted(read):
    catalog = read(
        ".hpl",
        event_line(md="", station_lines="  3"),
        station_line("ABC", rest={100: " 2.3"}),
        station_line("DEF"),
        station_line("GHI", rest={100: " 2.1*"}),
        event_line("     8", "1240203  5 5", station_lines="  1"),
        station_line("ABC", rest={100: " 2.3"}, clock=" 5 5"),
    )
    assert [event.get("magnitude") for event in catalog.events] == [None, 1.5]
    assert repairs(catalog) == ["a station's MD beside an event without MD left out: lines 2, 4"]


def test_a_station_line_that_ends_inside_its_seconds(read):
    whole = station_line("ABC", s="iS 1", s_seconds="12.50")
    catalog = read(".hpl", event_line(station_lines="  3"), whole[:40], whole[:114], whole[:115])
    assert [(pick["phase"], pick["source_id"]) for pick in catalog.picks] == [
        ("P", "test.hpl:3:P"),
        ("P", "test.hpl:4:P"),
        ("S", "test.hpl:4:S"),
    ]
    assert reasons(catalog) == [
        "line 2: P reading: the line ends inside its P seconds, after '10.1'",
        "line 3: S reading: the line ends inside its S seconds, after '12.5'",
    ]


def test_an_event_line_that_ends_inside_a_value(read):
    whole = event_line(rest={58: " 12"})
    kept = {55: (8.25, None), 50: (8.25, None), 49: (None, None), 47: (None, None), 57: (8.25, 1.5)}
    for columns, (depth, md) in kept.items():
        catalog = read(".hpl", whole[:columns])
        (event,) = catalog.events
        assert (event.get("depth_km"), event.get("magnitude")) == (depth, md), columns
        assert bool(catalog.repaired) == (columns in (55, 49, 47)), columns
    for columns in (42, 41, 32, 23, 22):
        catalog = read(".hpl", whole[:columns])
        assert catalog.events == [] and "the line ends inside" in reasons(catalog)[0], columns
