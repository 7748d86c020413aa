"""What other locators are given of an event: arrivals that they can use, at the places of their own stations."""

from catalogdb.exchange.peers.collect import NO_FIRST_ARRIVALS, SECOND_OF_A_CODE, PeerCollector
from catalogdb.exchange.peers.events import PeerInput, PeerPair, moment
from catalogdb.exchange.peers.growclust import growclust_files
from catalogdb.exchange.peers.hypodd import hypodd_files
from catalogdb.exchange.peers.hypoinverse import hypoinverse_files
from catalogdb.exchange.peers.nlloc import nlloc_files
from catalogdb.exchange.peers.velest import CODE_TOO_LONG, velest_files
from catalogdb.traveltimes.velocity import VelocityConfig, VelocityLayer

POSITIONS = {("AA", "STA"): (46.0, 12.0, 0.5), ("BB", "STA"): (47.0, 13.0, 1.0), ("AA", "OTHR"): (46.2, 12.1, 0.0)}
START = 1.7e9


def arrival(net, sta, phase, seconds, **more):
    return {"pick_id": f"{net}.{sta}.{phase}", "net": net, "sta": sta, "phase": phase, "time": START + seconds} | more


def event(*arrivals):
    origin = {"_id": "o", "time": START, "latitude": 46.1, "longitude": 12.0, "depth_km": 5.0, "arrivals": arrivals}
    return {"_id": "e", "origins": [origin], "preferred_origin_id": "o"}


def hypodd(*arrivals):
    collector = PeerCollector(POSITIONS)
    given = PeerInput(collector.take([(event(*arrivals), [])]), collector.stations, VelocityConfig())
    return collector, [line.split() for line in hypodd_files(given)["phase.dat"].splitlines()[1:]]


def test_an_arrival_that_weighs_nothing_still_does():
    _, lines = hypodd(arrival("AA", "STA", "P", 2.0, weight=0.0), arrival("AA", "OTHR", "P", 3.0))
    assert [float(line[2]) for line in lines] == [0.0, 1.0]


def test_phases_are_p_and_s_and_one_of_a_station():
    writer, lines = hypodd(
        arrival("AA", "STA", "iPg", 2.0),
        arrival("AA", "STA", "Pn", 2.5),
        arrival("AA", "STA", "Sg", 4.0),
        arrival("AA", "STA", "AML", 6.0),
    )
    assert [line[3] for line in lines] == ["P", "S"]
    assert writer.left_out == {NO_FIRST_ARRIVALS: 2} and writer.written["picks"] == 2


def test_a_second_station_of_a_code_is_not_put_at_the_place_of_the_first():
    writer, lines = hypodd(arrival("AA", "STA", "P", 2.0), arrival("BB", "STA", "S", 30.0))
    assert len(lines) == 1 and writer.left_out == {SECOND_OF_A_CODE: 1}
    assert writer.stations == {"STA": POSITIONS["AA", "STA"]}


def test_hypoinverse_has_no_part_of_a_code():
    collector = PeerCollector(POSITIONS | {("AA", "STATIO"): (46.0, 12.0, 0.5)})
    events = collector.take([(event(arrival("AA", "STATIO", "P", 2.0), arrival("AA", "STA", "P", 3.0)), [])])
    files = hypoinverse_files(PeerInput(events, collector.stations, VelocityConfig()), collector.left_out)
    assert [line[:5] for line in files["stations.sta"].splitlines()] == ["STA  "]
    assert "STATI" not in files["catalog.phs"] and collector.left_out.total() == 1


def test_unknown_depths_and_magnitudes_of_what_is_written_are_counted():
    collector = PeerCollector(POSITIONS)
    whole = event(arrival("AA", "STA", "P", 2.0))
    collector.take([(whole, []), (whole | {"depth_km": 0.0, "magnitude": 0.0}, []), (event(), [])])
    assert collector.unknown == {"depth_km": 1, "magnitude": 1}


def test_the_end_of_a_minute_is_the_next_ones_beginning():
    for time, digits in ((59.999999, 2), (59.996, 2), (-0.000001, 4)):
        date, seconds = moment(1.7e9 - 1.7e9 % 60 + time, digits)
        assert f"{seconds:.2f}" == "0.00" and date.second == 0


def test_correlated_times_are_dt_cc_and_xcordata():
    collector = PeerCollector(POSITIONS)
    events = collector.take([(event(arrival("AA", "STA", "P", 2.0)), [])] * 2)
    pair = PeerPair(1, 2, [("STA", "P", -0.0123, -0.91)])
    given = PeerInput(events, collector.stations, VelocityConfig(), [(1, 2)], [pair])
    expected = [["#", "1", "2", "0.000"], ["STA", "-0.012300", "0.9100", "P"]]
    for text in (hypodd_files(given)["dt.cc"], growclust_files(given)["xcordata.txt"]):
        assert [line.split() for line in text.splitlines()] == expected
    assert [line.split() for line in hypodd_files(given)["dt.ct"].splitlines()] == [
        ["#", "1", "2"], ["STA", "2.0000", "2.0000", "1.0000", "P"],
    ]  # fmt: skip


def test_models_of_layers_and_gradients_are_written_as_they_are():
    layers = (VelocityLayer(depth_km=0.0, vp=5.0, vs=2.9), VelocityLayer(depth_km=10.0, vp=6.0, vs=3.4))
    collector = PeerCollector(POSITIONS)
    events = collector.take([(event(arrival("AA", "STA", "P", 2.0)), [])])
    given = PeerInput(events, collector.stations, VelocityConfig(layers=layers, gradient=True))
    rows = [line.split() for line in nlloc_files(given)["nlloc.in"].splitlines() if line.startswith("LAYER")]
    assert [float(value) for value in rows[0][1:6]] == [0.0, 5.0, 0.1, 2.9, 0.05]
    assert float(rows[1][3]) == 0.0
    assert hypoinverse_files(given, collector.left_out)["s.crh"].splitlines()[1:] == [" 2.90 0.00", " 3.4010.00"]
    assert velest_files(given, collector.left_out)["model.mod"].splitlines()[2] == " 5.00        0.00    1.000   P"


def test_codes_that_velest_has_no_room_for_are_counted():
    collector = PeerCollector({("AA", "LONGER"): (46.0, 12.0, 0.5)})
    events = collector.take([(event(arrival("AA", "LONGER", "P", 2.0)), [])])
    velest_files(PeerInput(events, collector.stations, VelocityConfig()), collector.left_out)
    assert collector.left_out[CODE_TOO_LONG] == 1
