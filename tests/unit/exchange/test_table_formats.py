"""Tables that pickers, associators and agencies write, by the meaning of their columns."""

import pytest

from catalogdb.errors import InputError
from catalogdb.exchange.catalog_files import read_catalog_files
from catalogdb.exchange.documents import catalog_documents
from catalogdb.times import parse_time

START = "2024-03-27T08:25:00"


def read(tmp_path, **files):
    paths = []
    for name, text in files.items():
        path = tmp_path / f"{name}.csv"
        path.write_text(text)
        paths.append(path)
    return read_catalog_files(paths)


def of(picks):
    return [(pick["channel_group"], pick["phase"], round(pick["time"] - parse_time(START), 6)) for pick in picks]


def test_gamma_picks(tmp_path):
    catalog = read(
        tmp_path,
        picks="id,timestamp,type,prob,amp,event_index,gamma_score\n"
        f"CI.CLC..BH,{START[:-1]}2,p,0.9,1e-6,1,2.0\nXA.S01,{START[:-1]}4.5,s,0.8,1e-6,-1,-1\n",
    )
    assert of(catalog.picks) == [("CI.CLC..BH", "P", 2.0), ("XA.S01..", "S", 4.5)]
    assert [pick.get("event_key") for pick in catalog.picks] == ["1", None]
    assert [pick["probability"] for pick in catalog.picks] == [0.9, 0.8]


def test_an_id_of_events_is_no_station(tmp_path):
    catalog = read(tmp_path, events="id,time,latitude,longitude,type\nci1,2024-01-01,46,13,earthquake\n")
    assert [event["source_id"] for event in catalog.events] == ["ci1"] and catalog.picks == []


def test_gamma_catalog_in_a_plane_has_unlocated_events(tmp_path):
    catalog = read(
        tmp_path,
        catalog="time,magnitude,sigma_time,gamma_score,num_picks,event_index,x(km),y(km),z(km)\n"
        f"{START},999,0.3,6.0,6,0,12.1,-3.4,7.5\n",
    )
    (event,) = catalog.events
    assert (event["source_id"], event["origins"], event["magnitudes"]) == ("0", [], [])
    assert any("add latitude and longitude" in line for line in catalog.repaired)


def test_pyocto_events_and_assignments_are_linked_by_index(tmp_path):
    begin = parse_time(START)
    catalog = read(
        tmp_path,
        events="idx,time,x,y,z,picks,latitude,longitude,depth\n"
        + "".join(f"{n},{begin + 3600 * n},1,2,8.2,2,35.7,-117.5,8.2\n" for n in range(3)),
        assignments="event_idx,pick_idx,residual,station,phase,time\n"
        + "".join(f"{n},{2 * n + k},0.0{k},CI.S{k}.,P,{begin + 3600 * n + 2 + k}\n" for n in range(3) for k in (0, 1)),
    )
    documents = catalog_documents(catalog, "x", "c", "t", {})
    assert documents.counts["picks_whose_event_is_missing"] == 0
    arrivals = [event["origins"][0]["arrivals"] for event in documents.events]
    assert [len(items) for items in arrivals] == [2, 2, 2] and arrivals[0][1]["residual"] == 0.01


def test_eqtransformer_results_give_both_phases(tmp_path):
    catalog = read(
        tmp_path,
        X_prediction_results="file_name,network,station,instrument_type,station_lat,station_lon,detection_probability,"
        "p_arrival_time,p_probability,p_uncertainty,s_arrival_time,s_probability\n"
        "S01_XA_2024,XA,S01 ,HH,46.1,13.1,0.99,2024-03-27 08:25:31.980000,0.91,0.02,2024-03-27 08:25:34.940000,0.82\n"
        "S01_XA_2024,XA,S01 ,HH,46.1,13.1,0.99,,,,2024-03-27 08:26:34.940000,0.7\n"
        "S01_XA_2024,XA,S01 ,HH,46.1,13.1,0.99,,,,,\n",
    )
    assert of(catalog.picks) == [("XA.S01..HH", "P", 31.98), ("XA.S01..HH", "S", 34.94), ("XA.S01..HH", "S", 94.94)]
    assert [pick["probability"] for pick in catalog.picks] == [0.91, 0.82, 0.7]
    assert {pick["uncertainty"] for pick in catalog.picks} == {0.1}  # theirs is of the probability
    assert any("1 rows without a P and an S" in line for line in catalog.repaired)


@pytest.mark.parametrize("columns", ["fname,t0,p_idx,p_prob,s_idx,s_prob", "fname,t0,itp,tp_prob,its,ts_prob"])
def test_old_phasenet_counts_in_samples(tmp_path, columns):
    catalog = read(
        tmp_path,
        picks=f'{columns}\nXA.S01.mseed,{START}.000,"[3198, 4000]","[0.91, 0.5]",[3494],[0.82]\n'
        f"NC.MCV..EH.0361339.npz,{START}.000,[100],[0.4],[],[]\nnoise.npz,{START}.000,[100],[0.4],[],[]\n",
    )
    assert of(catalog.picks) == [
        ("XA.S01..", "P", 31.98),
        ("XA.S01..", "P", 40.0),
        ("XA.S01..", "S", 34.94),
        ("NC.MCV..EH", "P", 1.0),
    ]
    assert [pick["probability"] for pick in catalog.picks] == [0.91, 0.5, 0.82, 0.4]
    assert any("100 in a second" in note for note in catalog.notes)
    assert len(catalog.rejected) == 1 and "no station in the file name 'noise.npz'" in catalog.rejected[0]


def test_new_phasenet_and_seisbench(tmp_path):
    catalog = read(
        tmp_path,
        phasenet="file_name,station_id,phase_index,phase_time,phase_score,phase_type\n"
        f"a.mseed,XA.S01..HH,3198,{START}.500,0.9,P\n",
        seisbench=f"id,timestamp,prob,type\nXA.S02.,{START}.700,0.8,s\n",
    )
    assert of(catalog.picks) == [("XA.S01..HH", "P", 0.5), ("XA.S02..", "S", 0.7)]


def test_the_isc_s_csv_has_any_number_of_magnitudes(tmp_path):
    catalog = read(
        tmp_path,
        isc="ISC: On-line Bulletin\n\n"
        "  EVENTID,TYPE,AUTHOR   ,DATE      ,TIME       ,LAT     ,LON      ,DEPTH,DEPFIX,AUTHOR   ,TYPE  ,MAG \n"
        "623456789,ke ,ISC      ,2024-03-27,21:19:36.65, 46.3100,  12.7500, 10.1,  ,ISC  ,mb , 4.2,ROM ,ML , 4.5\n"
        "623456790,km ,ISC      ,2024-03-28,01:02:03.10, 46.3200,  12.7400,     ,TRUE  ,ROM      ,ML    , 2.1\n"
        "623456791,uk ,ISC      ,2024-03-28,01:02:60.00, 46.3200,  12.7400,     ,TRUE  ,         ,      ,    \n"
        "STOP\n",
    )
    assert [event["event_type"] for event in catalog.events[:2]] == ["earthquake", "mining explosion"]
    assert "event_type" not in catalog.events[2]
    assert [(item["type"], item["value"]) for item in catalog.events[0]["magnitudes"]] == [("mb", 4.2), ("ML", 4.5)]
    assert [event.get("magnitude") for event in catalog.events] == [4.2, 2.1, None]
    assert catalog.events[2]["time"] == parse_time("2024-03-28T01:03:00")
    assert catalog.rejected == [] and catalog.events[0]["source_id"] == "623456789"


def test_a_table_that_is_neither_says_what_is_wanted(tmp_path):
    with pytest.raises(InputError, match="wanted are time, latitude, longitude for events, or station, phase, time"):
        read(tmp_path, weather="day,rain,wind\nMonday,1.2,46\n")
    with pytest.raises(InputError, match="it is a table of stations"):
        read(tmp_path, stations="network,station,latitude,longitude\nXX,A,46,13\n")
