"""Columns judged as a whole: units, sentinels, decimal marks, orders of dates; the values around them kept."""

import io

import pytest

from catalogdb.errors import InputError
from catalogdb.exchange.csv_catalog import read_csv
from catalogdb.exchange.table_judgement import TableOptions
from catalogdb.table_header import column_name
from catalogdb.times import parse_time


def table(tmp_path, text, name="table.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def events(tmp_path, header, *rows, options=None):
    return read_csv(table(tmp_path, "\n".join((header, *rows)) + "\n"), options=options)


def depths(tmp_path, values, name="depth", options=None):
    rows = [f"2024-01-01T00:00:{number:02},46,13,{value}" for number, value in enumerate(values)]
    return [
        event.get("depth_km")
        for event in events(tmp_path, f"time,latitude,longitude,{name}", *rows, options=options).events
    ]


# -- depths


@pytest.mark.parametrize("name", ["depth", "depth_km"])
@pytest.mark.parametrize(
    "values", [(3302.7, 5295.9, 738.3, 12113.3, -683.6, 535.2), (400, 500, 600, 700, 650, 720, 810), (9000,)]
)
def test_depths_that_can_not_be_km_are_refused_with_the_way_out(tmp_path, name, values):
    with pytest.raises(InputError, match="its depths can't be km") as error:
        depths(tmp_path, values, name)
    assert str(max(values)) in str(error.value) and "depth_m" in error.value.hint
    assert ("--depth-unit m" in error.value.hint) == (name == "depth")


@pytest.mark.parametrize(
    ("name", "options"), [("depth", TableOptions(depth_unit="m")), ("depth_m", None), ("depth(m)", None)]
)
def test_depths_in_metres_are_converted_where_that_is_said(tmp_path, name, options):
    assert depths(tmp_path, (3302.7, 738.3, -683.6), name, options) == [3.3027, 0.7383, -0.6836]


def test_a_column_that_says_km_is_in_km(tmp_path):
    assert depths(tmp_path, (3.5, 8), "Depth/km", TableOptions(depth_unit="m")) == [3.5, 8]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Depth (km)", [3.5, 8]), ("Depth [km]", [3.5, 8]), ("DEPTH (m)", [0.0035, 0.008]), ("depth_(km)", [3.5, 8])],
)
def test_units_may_stand_in_brackets_behind_a_name(tmp_path, name, expected):
    assert depths(tmp_path, (3.5, 8), name) == expected


def test_headers_of_spreadsheets_may_name_units_of_all(tmp_path):
    header = '"Time (UTC)","Latitude (deg)","Longitude [°]","Depth (km)","Mag","RMS (s)"'
    (event,) = events(tmp_path, header, "2024-01-01T00:00:00,46.5,13.5,8,1.5,0.2").events
    values = [event[name] for name in ("latitude", "longitude", "depth_km", "magnitude", "rms")]
    assert values == [46.5, 13.5, 8.0, 1.5, 0.2]


def test_headers_may_say_how_dates_and_clocks_are_written(tmp_path):
    header = '"Date (dd/mm/yyyy)";"Time (hh:mm:ss.ss)";Lat;Lon;"Depth (km)"'
    (event,) = events(tmp_path, header, "13/02/2021;10:11:12,25;46,5;13,5;8,5").events
    assert event["time"] == parse_time("2021-02-13T10:11:12.25") and event["depth_km"] == 8.5
    assert [column_name(name) for name in ("v (m/s)", "a (mm)", "Time (local)")] == ["v(m/s)", "a(mm)", "time(local)"]


def test_heights_are_no_depths(tmp_path):
    with pytest.raises(InputError, match="its depths are heights"):
        depths(tmp_path, (-12.5, -30.1, -8.2))
    assert depths(tmp_path, (-1.2, 3.0, 8.0)) == [-1.2, 3.0, 8.0]


def test_one_wrong_depth_costs_its_row(tmp_path):
    assert depths(tmp_path, (5, 6, 7, 8, 9, 10, 5000)) == [5, 6, 7, 8, 9, 10]


def test_depths_of_deep_earthquakes_stay(tmp_path):
    assert depths(tmp_path, (600.5, 550, 33, 650)) == [600.5, 550, 33, 650]


@pytest.mark.parametrize("unknown", ["999", "-999", "9999", "-9.9", "99999", "", "NaN", "None", "-", "null"])
def test_depths_not_known_are_left_out(tmp_path, unknown):
    assert depths(tmp_path, (8.5, unknown)) == [8.5, None]


# -- sentinels and bounds


@pytest.mark.parametrize("unknown", ["999", "-999", "-9.9", "99.99", "9.9", "9999", "-99", "", "NaN", "None", "-"])
def test_a_magnitude_not_known_costs_no_event(tmp_path, unknown):
    catalog = events(tmp_path, "time,latitude,longitude,ML", f"2024-01-01,46,13,{unknown}", "2024-01-02,46,13,-1.0")
    assert [event.get("magnitude") for event in catalog.events] == [None, -1.0]
    assert catalog.rejected == []
    left_out = [line for line in catalog.repaired if "ml left out of 1 rows" in line]
    assert len(left_out) == (1 if unknown[-1:].isdigit() else 0)


@pytest.mark.parametrize(
    ("column", "field", "bad", "good"),
    [
        ("rms", "rms", ("-1", "99.99", "999", "abc"), "0.25"),
        ("gap", "azimuthal_gap", ("-1", "999", "361"), "360"),
        ("erh", "horizontal_uncertainty_km", ("-1", "99.0", "99.9", "1e30"), "0.4"),
        ("num_picks", "n_picks", ("-1", "3.5", "inf"), "12"),
        ("time_uncertainty", "time_uncertainty", ("-0.1", "99.9"), "0.3"),
    ],
)
def test_what_an_event_can_do_without_is_left_out_and_counted(tmp_path, column, field, bad, good):
    rows = [f"2024-01-01T00:00:{number:02},46,13,{value}" for number, value in enumerate((good, *bad))]
    catalog = events(tmp_path, f"time,latitude,longitude,{column}", *rows)
    assert [event["origins"][0].get(field) for event in catalog.events] == [float(good)] + [None] * len(bad)
    assert sum(int(line.split("left out of ")[1].split()[0]) for line in catalog.repaired) == len(bad)
    assert catalog.files[0].repaired == len(bad)


@pytest.mark.parametrize("place", ["999,999", "99.99,999.9", "-999,-999", "99.99,99.99"])
def test_a_position_not_known_makes_an_unlocated_event(tmp_path, place):
    catalog = events(tmp_path, "time,latitude,longitude", f"2024-01-01,{place}", "2024-01-02,-9.9,-99")
    assert [len(event["origins"]) for event in catalog.events] == [0, 1]
    assert catalog.events[1]["longitude"] == -99


@pytest.mark.parametrize("year", ["0001", "0999", "2100", "9999"])
def test_years_have_bounds(tmp_path, year):
    catalog = events(tmp_path, "time,latitude,longitude", f"{year}-12-31T00:00:00,46,13", "1348-01-25T15:00:00,46,13")
    assert [line.split(": ", 1)[1] for line in catalog.rejected] == [
        f"line 2: bad time '{year}-12-31T00:00:00': its year is outside 1000..2100"
    ]
    assert len(catalog.events) == 1


def test_picks_of_impossible_numbers_lose_the_numbers(tmp_path):
    path = table(
        tmp_path,
        "network,station,phase,time,uncertainty_s,probability\n"
        "XX,AAA,P,2024-01-01T00:00:00Z,-0.05,2\nXX,BBB,P,2024-01-01T00:00:01Z,0,-1\n"
        "XX,CCC,P,2024-01-01T00:00:02Z,1e30,0.5\nXX,DDD,P,2024-01-01T00:00:03Z,0.05,1\n",
    )
    catalog = read_csv(path)
    assert [pick["uncertainty"] for pick in catalog.picks] == [0.1, 0.1, 0.1, 0.05]
    assert [pick.get("probability") for pick in catalog.picks] == [None, None, 0.5, 1.0]
    said = [line.removeprefix(f"{path}: ") for line in catalog.repaired]
    assert "uncertainty left out of 2 rows: '-0.05' is outside 0..60, first in line 2" in said
    assert "probability left out of 2 rows: '2' is outside 0..1, first in line 2" in said


@pytest.mark.parametrize(("net", "sta"), [("NA", "SABA"), ("XX", "NAN"), ("XX", "NONE")])
def test_codes_that_look_like_blanks_are_codes(tmp_path, net, sta):
    (pick,) = read_csv(table(tmp_path, f"network,station,location,phase,time\n{net},{sta},--,P,2024-01-01\n")).picks
    assert (pick["net"], pick["sta"], pick["loc"]) == (net, sta, "")


# -- times


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2024-03-27T21:19:60.0", "2024-03-27T21:20:00"),
        ("2024-03-27 21:19:60.25Z", "2024-03-27T21:20:00.25"),
        ("2024-03-27T21:60:00", "2024-03-27T22:00:00"),
        ("2024-12-31T23:59:60", "2025-01-01T00:00:00"),
        ("2024-3-7 1:2:3.5", "2024-03-07T01:02:03.5"),
        ("27-Mar-2024 21:19:36", "2024-03-27T21:19:36"),
        ("2024-03-27 23:19:60+02:00", "2024-03-27T21:20:00"),
    ],
)
def test_clocks_of_sixty_and_months_by_name(tmp_path, text, time):
    (event,) = events(tmp_path, "time,latitude,longitude", f"{text},46,13").events
    assert event["time"] == parse_time(time)


@pytest.mark.parametrize(
    "text", ["2024-03-27T21:19:61", "2024-03-27T25:00:00", "2024-02-30T00:00:00", "27/03/24 10:00"]
)
def test_clocks_and_days_that_there_are_not_are_rejected(tmp_path, text):
    catalog = events(tmp_path, "time,latitude,longitude", f"{text},46,13")
    assert catalog.events == [] and f"bad time '{text}'" in catalog.rejected[0]


@pytest.mark.parametrize(
    ("rows", "options", "times"),
    [
        (("27/03/2024 21:19:36", "05/03/2024 01:02:03"), None, ("2024-03-27T21:19:36", "2024-03-05T01:02:03")),
        (("03/27/2024 9:19:36 PM", "03/05/2024 12:02 AM"), None, ("2024-03-27T21:19:36", "2024-03-05T00:02:00")),
        (("04/05/2024", "03/05/2024"), TableOptions(date_order="dmy"), ("2024-05-04", "2024-05-03")),
        (("04.05.2024", "03.05.2024"), TableOptions(date_order="mdy"), ("2024-04-05", "2024-03-05")),
        (("05/05/2024", "06/06/2024"), None, ("2024-05-05", "2024-06-06")),
    ],
)
def test_the_column_says_which_is_the_day(tmp_path, rows, options, times):
    catalog = events(tmp_path, "time,latitude,longitude", *(f"{row},46,13" for row in rows), options=options)
    assert [event["time"] for event in catalog.events] == [parse_time(time) for time in times]


def test_days_that_may_be_months_are_never_guessed(tmp_path):
    with pytest.raises(InputError, match="line 2: '04/05/2024' may be day/month or month/day") as error:
        events(tmp_path, "time,latitude,longitude", "04/05/2024,46,13", "03/05/2024,46,13")
    assert "--date-order" in error.value.hint
    with pytest.raises(InputError, match="some of its dates are day/month, others month/day"):
        events(tmp_path, "time,latitude,longitude", "14/05/2024,46,13", "03/15/2024,46,13")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("date,time,latitude,longitude", "2024-03-27,21:19:36.65,46,13"),
        ("DATE;TIME;Latitude;Longitude", "27/03/2024;21:19:36,65;46;13"),
        ("date;time;latitude;longitude", "27/03/2024 00:00:00;21:19:36.65;46;13"),
        ("date,time,latitude,longitude", "20240327,21:19:36.65,46,13"),
        ("date;time;latitude;longitude", "45378;0,8886186343;46;13"),
        ("time;latitude;longitude", "45378,8886186343;46.0;13.0"),
        ("time,latitude,longitude", "45378.8886186343,46,13"),
        ("Data;Ora;Latitudine;Longitudine", "27/03/2024;21:19:36,65;46,0;13,0"),
        ("year,month,day,hour,minute,second,latitude,longitude", "2024,3,27,21,19,36.65,46,13"),
        ("Year;Month;Day;Hour;Min;Sec;Lat;Lon", "2024;03;27;21;19;36,65;46,0;13,0"),
        ("year,month,day,hour,minute,second,latitude,longitude", "2024,3,27,21,18,96.65,46,13"),
    ],
)
def test_times_of_spreadsheets(tmp_path, header, row):
    catalog = events(tmp_path, header, row)
    if "96.65" in row:
        assert catalog.events == [] and len(catalog.rejected) == 1
        return
    (event,) = catalog.events
    assert (event["time"], event["latitude"]) == (parse_time("2024-03-27T21:19:36.65"), 46.0)


def test_decimal_commas_hold_for_a_column(tmp_path):
    catalog = events(
        tmp_path, "time;latitude;longitude;depth_km;ML", "2024-03-27;46,310;12,750;10,1;4,5", "2024-03-28;46;12,7;8,0;2"
    )
    found = [(event["latitude"], event["longitude"], event["depth_km"], event["magnitude"]) for event in catalog.events]
    assert found == [(46.31, 12.75, 10.1, 4.5), (46.0, 12.7, 8.0, 2.0)]
    assert any("decimal commas in the columns latitude, longitude, depth_km, ml" in note for note in catalog.notes)


def test_decimal_commas_between_commas_are_rejected_not_shifted(tmp_path):
    catalog = events(tmp_path, "time,latitude,longitude", "2024-03-27,46,310,12,750")
    assert catalog.events == [] and "5 columns, not 3" in catalog.rejected[0]


# -- what a table says of itself


def test_mode_status_and_types_of_a_table_are_kept(tmp_path):
    header = "time,latitude,longitude,magnitude,magnitude_type,event_type,evaluation_mode,evaluation_status"
    catalog = events(
        tmp_path,
        header,
        "2024-01-01,46,13,2,Mwr,quarry_blast,automatic,confirmed",
        "2024-01-02,46,13,2,mb_Lg,Not Existing,manual,rejected",
        "2024-01-03,46,13,2,ml,,,final",
        "2024-01-04,46,13,2,,qb,,automatic",
        "2024-01-05,46,13,2,,,,",
    )
    names = ("magnitude_type", "event_type", "evaluation_mode", "evaluation_status")
    assert [tuple(event.get(name) for name in names) for event in catalog.events] == [
        ("Mwr", "quarry blast", "automatic", "confirmed"),
        ("mb_Lg", "not existing", "manual", "rejected"),
        ("ML", None, "manual", "final"),
        ("M", "quarry blast", "automatic", "preliminary"),
        ("M", None, "manual", "reviewed"),
    ]


def test_picks_with_a_probability_are_automatic_by_default(tmp_path):
    rows = "XX.AAA..HHZ,P,2024-01-01,0.9"
    assert read_csv(table(tmp_path, f"station,phase,time,prob\n{rows}\n")).picks[0]["evaluation_mode"] == "automatic"
    said = table(tmp_path, f"station,phase,time,prob,evaluation_mode\n{rows},manual\n")
    assert read_csv(said).picks[0]["evaluation_mode"] == "manual"
    assert read_csv(table(tmp_path, "station,phase,time\nAAA,P,2024-01-01\n")).picks[0]["evaluation_mode"] == "manual"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1", "cp1252"])
def test_any_encoding(tmp_path, encoding):
    text = "time\tlatitude\tlongitude\tplace\n2024-01-01\t46\t13\tForlì\n"
    (event,) = read_csv(table(tmp_path, text, encoding=encoding)).events
    assert event["place"] == "Forlì"


def test_lines_before_the_header_are_passed_over_and_said(tmp_path):
    path = table(tmp_path, "Catalogue of X\n\ntime,latitude,longitude\n2024-01-01T00:00,46,13\nnever,46,13\n")
    catalog = read_csv(path)
    assert len(catalog.events) == 1 and catalog.rejected[0].startswith(f"{path}: line 5: ")
    assert catalog.notes == [f"{path}: 2 lines before the header passed over"]


def test_parquet_of_pandas_is_read_as_a_csv_is(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "station_id": ["XX.AAA..HH", "XX.BBB..HH"],
            "phase_type": ["P", "S"],
            "phase_time": pandas.to_datetime(["2024-03-27T21:19:36.123456789", "2024-03-27T21:19:40.5"]),
            "phase_score": [0.5, float("nan")],
        }
    )
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    (tmp_path / "picks.parquet").write_bytes(buffer.getvalue())
    first, second = read_csv(tmp_path / "picks.parquet").picks
    assert (first["sta"], first["time"], first["probability"]) == ("AAA", parse_time("2024-03-27T21:19:36.123456"), 0.5)
    assert second["phase"] == "S" and "probability" not in second
