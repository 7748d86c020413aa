"""Times of tables whose columns say a part of them: what an unused column says is refused, never lost."""

import pytest

from catalogdb.errors import InputError
from catalogdb.exchange.csv_catalog import read_csv
from catalogdb.times import parse_time


def read(tmp_path, *lines):
    (tmp_path / "events.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_csv(tmp_path / "events.csv")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("date,clock,latitude,longitude", "2016-04-16,23:58:36.98,0.35,-79.93"),
        ("date,ora_locale,latitude,longitude", "20160416,18:58:36,0.35,-79.93"),
        ("date,ora_locale,latitude,longitude", "16-APR-2016,18:58,0.35,-79.93"),
        ("Fecha;Hora Local;Latitud;Longitud", "16/04/2016 0:00:00;18:58:36;0,35;-79,93"),
        ("time,clock,latitude,longitude", "2016-04-16,23:58:36 Z,0.35,-79.93"),
        ("year,month,day,clock,latitude,longitude", "2016,4,16,23:58:36,0.35,-79.93"),
    ],
)
def test_clocks_in_a_column_without_meaning_are_refused(tmp_path, header, row):
    with pytest.raises(InputError, match=r"times are dates alone, and clocks stand in a column.*(clock|loca)") as error:
        read(tmp_path, header, row)
    assert "call" in error.value.hint and "UTC" in error.value.hint


def test_a_local_time_beside_a_whole_one_is_not_used(tmp_path):
    lines = ("time,local_clock,latitude,longitude", "2016-04-16T00:00:00Z,19:00:00,0.35,-79.93")
    with pytest.raises(InputError, match="local_clock"):
        read(tmp_path, *lines)
    found = read(tmp_path, *lines, "2016-04-17T07:13:59Z,02:13:59,-0.38,-80.2")
    assert [event["time"] for event in found.events] == [parse_time("2016-04-16"), parse_time("2016-04-17T07:13:59")]
    assert any("columns not used: local_clock" in line for line in found.repaired)


def test_dates_alone_are_taken_and_said(tmp_path):
    found = read(tmp_path, "date,latitude,longitude", "1906-01-31,1,-81.5", "14 May 1942,-0.7,-81.5")
    assert [event["time"] for event in found.events] == [parse_time("1906-01-31"), parse_time("1942-05-14")]
    assert any("times are dates alone, taken as 00:00: 2 rows" in note for note in found.notes)
    assert not read(tmp_path, "time,latitude,longitude", "1906-01-31T15:36,1,-81.5").notes


@pytest.mark.parametrize(
    ("header", "row", "reason"),
    [
        ("year,month,day,h,min,sec,lat,lon", "2016,4,16,23,58,36.98,0.35,-79.93", "the minute and none of the hour"),
        ("year,month,day,hour,m,sec,lat,lon", "2016,4,16,23,58,36.98,0.35,-79.93", "the second and none of the minute"),
    ],
)
def test_a_finer_part_without_the_coarser_is_refused(tmp_path, header, row, reason):
    with pytest.raises(InputError, match=reason) as error:
        read(tmp_path, header, row)
    assert header.split(",")[3 if "hour" in reason else 4] in error.value.hint


def test_a_missing_column_of_seconds_is_said(tmp_path):
    found = read(tmp_path, "year,month,day,hour,min,lat,lon", "2016,4,16,23,58,0.35,-79.93")
    assert found.events[0]["time"] == parse_time("2016-04-16T23:58")
    assert any("no column of the second, so it is taken as 0" in note for note in found.notes)


@pytest.mark.parametrize("zone", ["-05:00", "EST", "America/Guayaquil", "9", "UTC-5", "+0530"])
def test_times_of_a_zone_in_another_column_are_refused(tmp_path, zone):
    with pytest.raises(InputError, match=r"line 3: its time is of the zone .* column timezone"):
        read(tmp_path, "time,timezone,lat,lon", "2016-04-16 18:58,UTC,0.3,-79.9", f"2016-04-16 18:59,{zone},0.3,-79.9")


@pytest.mark.parametrize(
    ("time", "zone"),
    [("2016-04-16 18:58", zone) for zone in ("UTC", "+00:00", "Z", "0", "", "GMT+0", "0.0", "-")]
    + [("2016-04-16T13:58-05:00", "-05:00"), ("2016-04-16T18:58Z", "America/Guayaquil")],
)
def test_zones_that_change_no_time_are_passed_over(tmp_path, time, zone):
    found = read(tmp_path, "time,utc_offset,lat,lon", f"{time},{zone},0.3,-79.9")
    assert [event["time"] for event in found.events] == [parse_time("2016-04-16T18:58")]


def test_spanish_and_french_names_are_read(tmp_path):
    header = "Fecha;Hora (UTC);Latitud;Longitud;Profundidad (km);Magnitud;Tipo Magnitud"
    (event,) = read(tmp_path, header, "16/04/2016;23:58:36,98;0,35;-79,93;20,6;7,8;Mww").events
    names = ("latitude", "longitude", "depth_km", "magnitude", "magnitude_type")
    assert event["time"] == parse_time("2016-04-16T23:58:36.98")
    assert [event[name] for name in names] == [0.35, -79.93, 20.6, 7.8, "Mww"]
    (other,) = read(
        tmp_path, "Date;Heure TU;Latitude;Longitude;Profondeur", "2016-04-16;23:58:36;0,35;-79,93;20,6"
    ).events
    assert (other["time"], other["depth_km"]) == (parse_time("2016-04-16T23:58:36"), 20.6)
