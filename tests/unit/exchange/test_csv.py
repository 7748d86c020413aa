"""Event and pick tables: columns by their headers, bad rows named, the rest kept."""

from pathlib import Path

import pytest

from catalogdb.errors import InputError
from catalogdb.exchange.catalog_files import read_catalog_files
from catalogdb.exchange.csv_catalog import read_csv
from catalogdb.exchange.detect import detect
from catalogdb.times import format_time, parse_time


def table(tmp_path, text, name="table.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-27T21:19:37.300001", 1711574377.300001),
        ("2024-03-27T21:19:37.300001Z", 1711574377.300001),
        ("2024-03-27 22:19:37.300001+01:00", 1711574377.300001),
        ("2024/03/27 21:19:37", 1711574377.0),
        ("1969-12-31T23:59:59.5", -0.5),
    ],
)
def test_times(text, expected):
    assert parse_time(text) == expected
    assert parse_time(format_time(expected)) == expected


def test_comcat_columns(tmp_path):
    path = table(
        tmp_path,
        "time,latitude,longitude,depth,mag,magType,nst,gap,dmin,rms,net,id,updated,place,type,horizontalError,"
        "depthError,magError,magNst,status\n2020-01-01T00:00:00.180Z,35.8,-117.6,6.68,2.59,ml,41.0,43.0,0.07,0.16,ci,"
        'ci1,2021-11-11T19:01:05.340Z,"23km ESE, CA",'
        "quarry blast,0.13,0.35,0.182,24.0,automatic\n",
    )
    (event,) = read_csv(path).events
    assert event["time"] == 1577836800.18
    assert (event["magnitude"], event["magnitude_type"], event["depth_km"]) == (2.59, "ML", 6.68)
    assert (event["source_id"], event["place"], event["event_type"]) == ("ci1", "23km ESE, CA", "quarry blast")
    assert (event["evaluation_mode"], event["evaluation_status"]) == ("automatic", "preliminary")
    assert event["creation_info"]["creation_time"] == parse_time("2021-11-11T19:01:05.340Z")
    (origin,) = event["origins"]
    assert (origin["horizontal_uncertainty_km"], origin["depth_uncertainty_km"], origin["n_stations"]) == (
        0.13,
        0.35,
        41,
    )
    (magnitude,) = event["magnitudes"]
    assert (magnitude["uncertainty"], magnitude["n_stations"]) == (0.182, 24)


def test_columns_not_used_are_said(tmp_path):
    catalog = read_csv(table(tmp_path, "time,latitude,longitude,colour\n2020-01-01,1,2,red\n"))
    assert catalog.repaired == [f"{tmp_path}/table.csv: columns not used: colour"]


def test_depth_in_metres_and_absent(tmp_path):
    catalog = read_csv(table(tmp_path, "time,latitude,longitude,depth(m)\n2020-01-01,1,2,1500\n2020-01-02,1,2,\n"))
    assert [event.get("depth_km") for event in catalog.events] == [1.5, None]
    assert "depth_km" not in catalog.events[1]["origins"][0]


def test_fdsn_text(tmp_path):
    catalog = read_csv(
        table(
            tmp_path,
            "#EventID | Time | Latitude | Longitude | Depth/km | Author | Catalog | Contributor | ContributorID"
            " | MagType | Magnitude\n"
            "ev1|2020-01-01T00:00:00|46.1|13.2|8.5|me|c|OGS|x|Mw|3.2\n",
        )
    )
    (event,) = catalog.events
    assert (event["source_id"], event["depth_km"], event["magnitude"], event["magnitude_type"]) == (
        "ev1",
        8.5,
        3.2,
        "Mw",
    )
    assert event["creation_info"] == {"agency_id": "OGS", "author": "me"}


def test_typed_magnitudes_prefer_ml_over_md_and_keep_both(tmp_path):
    catalog = read_csv(
        table(tmp_path, "time;latitude;longitude;MD;ML\n2020-01-01;1;2;0.5;0.8\n2020-01-02;1;2;0.7;--\n")
    )
    assert [(event["magnitude"], event["magnitude_type"]) for event in catalog.events] == [(0.8, "ML"), (0.7, "MD")]
    assert len(catalog.events[0]["magnitudes"]) == 2


def test_bad_rows_are_rejected_with_line_and_reason(tmp_path):
    path = table(
        tmp_path,
        "id,time,latitude,longitude,depth,magnitude\n"
        "a,2020-01-01,46,13,5,1\n"
        "b,yesterday,46,13,5,1\n"
        "c,2020-01-01,96,13,5,1\n"
        "d,2020-01-01,46,nine,5,1\n"
        "e,2020-01-01,46,13,5000,1\n"
        "f,,46,13,5,1\n"
        '"g\nh",2020-01-01,46,,5,1\n'
        "i,2020-01-01\n"
        "j,2020-01-01,46,13,5,99\n"
        "k,2020-01-01,46,inf,5,1\n"
        "\n"
        "l,2020-01-03,46,190,5,1\n",
    )
    catalog = read_csv(path)
    assert [event["source_id"] for event in catalog.events] == ["a", "j", "l"]
    assert "magnitude" not in catalog.events[1] and catalog.events[2]["longitude"] == -170
    assert catalog.repaired == [f"{path}: magnitude left out of 1 rows: '99' is outside -5..11, first in line 11"]
    reasons = [line.removeprefix(f"{path}: ") for line in catalog.rejected]
    assert reasons[0].startswith("line 3: bad time 'yesterday'")
    assert reasons[1:] == [
        "line 4: latitude 96 is outside -90..90",
        "line 5: longitude 'nine' is not a number",
        "line 6: depth 5000 km is outside -10..800 km",
        "line 7: no time",
        "line 9: no longitude",
        "line 10: 2 columns, not 6",
        "line 12: longitude 'inf' is not finite",
    ]


def test_an_event_without_position_is_kept_unlocated(tmp_path):
    catalog = read_csv(table(tmp_path, "id,time,latitude,longitude,ML\na,2020-01-01,,,1.2\n"))
    (event,) = catalog.events
    assert event["origins"] == [] and event["magnitude"] == 1.2 and "latitude" not in event
    assert "1 events without a position" in catalog.repaired[0]


def test_picks_in_the_manner_of_pyocto(tmp_path):
    catalog = read_csv(
        table(
            tmp_path,
            "station,phase,time,event\nCX.PB01.,P,1970-01-01 01:05:30.844420,10\n"
            "CX.PB02.00.HHZ,s,1970-01-01 01:05:35,-1\n",
        )
    )
    first, second = catalog.picks
    assert (first["net"], first["sta"], first["loc"], first["chan"]) == ("CX", "PB01", "", "")
    assert (first["channel_group"], first["event_key"], first["time"]) == ("CX.PB01..", "10", 3930.84442)
    assert (second["channel_group"], second["phase"]) == ("CX.PB02.00.HH", "S")
    assert "event_key" not in second
    assert any("1 picks of no event" in line for line in catalog.repaired)


def test_bulletin_picks_take_their_uncertainty_from_the_weight(tmp_path):
    catalog = read_csv(
        table(
            tmp_path,
            "event_id,time,station,phase,hypo71_weight,polarity\n1,2020-01-01,BAD,P,2,c\n1,2020-01-01,BAD,S,,\n1,2020-01-01,BAD,P,9,\n",
        )
    )
    first, second = catalog.picks
    assert (first["uncertainty"], first["hypo71_weight"], first["polarity"]) == (0.2, 2, "positive")
    assert second["uncertainty"] == 0.1 and "hypo71_weight" not in second
    assert catalog.rejected == [f"{tmp_path}/table.csv: line 4: hypo71_weight 9 is outside 0..5"]


def test_bad_picks_are_rejected(tmp_path):
    catalog = read_csv(
        table(tmp_path, "station,phase,time\n,P,2020-01-01\nBAD,,2020-01-01\nBAD,P,noon\nCX..,P,2020-01-01\n")
    )
    assert catalog.picks == []
    assert [line.split(": ")[2] for line in catalog.rejected] == [
        "no station",
        "no phase",
        "bad time 'noon'",
        "no station code in 'CX..'",
    ]


@pytest.mark.parametrize("kind", ["picks", "events"])
def test_a_mode_that_is_none_is_left_out_and_said(tmp_path, kind):
    rows = {"picks": "station,phase,time", "events": "time,latitude,longitude"}[kind] + ",evaluation_mode\n"
    cells = {"picks": "BAD,P,2020-01-01", "events": "2020-01-01,46,13"}[kind]
    catalog = read_csv(table(tmp_path, rows + "".join(f"{cells},{mode}\n" for mode in ("Auto", "Robot", ""))), "manual")
    assert [row["evaluation_mode"] for row in catalog.picks or catalog.events] == ["automatic", "manual", "manual"]
    said = "evaluation mode left out of 1 rows: 'Robot' is neither automatic nor manual, first in line 3"
    assert any(said in line for line in catalog.repaired)


def test_wrong_columns_name_those_found_and_those_wanted(tmp_path):
    with pytest.raises(InputError, match="its columns are depth, vp; wanted are time, latitude, longitude for events"):
        read_csv(table(tmp_path, "depth,vp\n0,6\n"))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"\n\n"])
def test_files_that_are_no_tables(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match="table.csv"):
        read_csv(path)


def test_real_tables(realdata):
    ogs, ridgecrest = realdata / "ogs_2024_h1", realdata / "ridgecrest_2019"
    both = read_csv([ogs / "events_ogs_hypo71.csv", ogs / "picks_manual.csv"])
    assert (len(both.events), len(both.picks), both.rejected) == (777, 12359, [])
    bulletin = read_csv(ogs / "events_ogs_bulletin_txt.csv")
    assert len(bulletin.events) == 664 and bulletin.events[0]["event_type"] == "earthquake"
    assert len(read_csv(ridgecrest / "reference_comcat_reviewed.csv").events) == 26
    automatic = read_csv(ridgecrest / "reference_gamma_quakeflow_ml.csv")
    assert len(automatic.events) == 285 and automatic.events[0]["depth_km"] == 14.046436
    chile = read_csv(realdata / "chile_pyocto" / "picks.csv")
    assert len(chile.picks) == 1218 and sum("event_key" not in item for item in chile.picks) == 110


@pytest.mark.parametrize(
    ("value", "time", "unit"),
    [
        ("1711574377", 1711574377.0, "seconds"),
        ("1711574377.300001", 1711574377.300001, "seconds"),
        ("1.7115743773e9", 1711574377.3, "seconds"),
        ("-300000000.5", -300000000.5, "seconds"),
        ("1711574377300", 1711574377.3, "milliseconds"),
        ("1711574377300001", 1711574377.300001, "microseconds"),
        ("1711574377300001000", 1711574377.300001, "nanoseconds"),
    ],
)
def test_times_that_are_numbers_are_read_by_their_size_and_said(tmp_path, value, time, unit):
    catalog = read_csv(table(tmp_path, f"time,latitude,longitude\n{value},46,13\n"))
    assert [event["time"] for event in catalog.events] == [time]
    assert catalog.notes == [f"{tmp_path}/table.csv: times are numbers, read as epoch {unit}: 1 rows"]


@pytest.mark.parametrize("value", ["0", "2024", "86400.5", "20240320211937", "99999999999999999999", "-1e12"])
def test_numbers_that_may_be_any_time_are_refused_with_their_line(tmp_path, value):
    catalog = read_csv(table(tmp_path, f"station,phase,time\nBAD,P,{value}\n"))
    assert catalog.picks == []
    (line,) = catalog.rejected
    assert line.startswith(f"{tmp_path}/table.csv: line 2: bad time '{value}': a number that is not plausible")


def test_a_number_is_no_time_elsewhere():
    for text in ("1711081501230", "1711574377", "2024.5"):
        with pytest.raises(ValueError, match="a number, not an ISO 8601 time"):
            parse_time(text)
    assert parse_time("20240327") == parse_time("2024-03-27")


def test_event_type_of_fdsn_text(tmp_path):
    catalog = read_csv(
        table(
            tmp_path,
            "#EventID|Time|Latitude|Longitude|Depth/Km|Author|Catalog|Contributor|ContributorID|MagType|Magnitude"
            "|MagAuthor|EventLocationName|EventType\n"
            "1|2024-03-27T21:19:36.9|46.3|12.8|9.6|X||||Mw|4.3|--|Preone (UD)|quarry blast\n",
        )
    )
    assert catalog.events[0]["event_type"] == "quarry blast"


def test_the_report_counts_rows(tmp_path):
    path = table(
        tmp_path,
        "station,phase,time,event,colour\nBAD,P,2020-01-01,1,red\nBAD,S,2020-01-01,-1,red\nBAD,P,noon,1,red\n",
    )
    (report,) = read_csv(path).files
    assert (report.file, report.read, report.kept, report.rejected) == (str(path), 3, 2, 1)
    assert (report.repaired, report.repaired_lines, report.rejected_lines) == (2, [2, 3], [4])
    assert any(line.startswith(f"{path}: 2 picks without uncertainty") for line in read_csv(path).repaired)


def test_blank_lines_before_the_header_are_passed_over(tmp_path):
    catalog = read_csv(table(tmp_path, "\n  \n\ntime;latitude;longitude\n2020-01-01;46;13\nnever;46;13\n"))
    assert len(catalog.events) == 1 and "line 6: bad time" in catalog.rejected[0]


@pytest.mark.parametrize("name", ["table.csv", "table.txt", "table.dat", "table"])
@pytest.mark.parametrize(
    "header",
    [
        "event_id,origin_time,latitude,longitude,depth_km,magnitude",
        "event_id;origin_time;lat;lon;depth;ml",
        "event_id\torigin_time\tlat\tlon\tdepth\tml",
        "index,event-id,origin_time(UTC),lat,lon,depth",
    ],
)
def test_a_table_with_origin_latitude_and_depth_is_no_summary_card(tmp_path, name, header):
    delimiter = next(mark for mark in ",;\t" if mark in header)
    cells = {"event_id": "a1", "event-id": "a1", "index": "1", "latitude": "46.1", "lat": "46.1"}
    cells |= {"longitude": "13.1", "lon": "13.1", "depth_km": "10", "depth": "10"}
    row = delimiter.join(
        cells.get(field, "2024-01-01" if "time" in field else "2") for field in header.split(delimiter)
    )
    (event,) = read_catalog_files([table(tmp_path, f"{header}\n{row}\n", name)]).events
    assert (event["source_id"], event["latitude"], event["depth_km"]) == ("a1", 46.1, 10)


def test_headers_of_the_bulletin_stay_what_they_are(tmp_path):
    assert detect(Path("x"), b" DATE    ORIGIN    LAT N    LONG E    DEPTH    MAG NO GAP DMIN\n") == "ogs-pun"
    separated = b"index;event-id;origin_time(UTC);t_err;lat;lon;h_err;depth;v_err;gap;ml;md;place;event_type\n"
    assert detect(Path("x"), separated) == "ogs-txt"
    assert detect(Path("x.pun"), b"event_id,origin_time,lat,lon,depth\n") is None
