"""What other locators are given of an event: arrivals that they can use, at the places of their own stations."""

import numpy as np
import pytest

from catalogdb.errors import InputError
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
    files = hypoinverse_files(PeerInput(events, collector.stations, VelocityConfig(), left_out=collector.left_out))
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


def with_model(gradient, *rows):
    layers = tuple(VelocityLayer(depth_km=depth, vp=vp, vs=vs) for depth, vp, vs in rows)
    collector = PeerCollector(POSITIONS)
    events = collector.take([(event(arrival("AA", "STA", "iPg", 2.0)), [])])
    return PeerInput(events, collector.stations, VelocityConfig(layers=layers, gradient=gradient))


def numbers(text, first=0):
    return [[float(value) for value in line.split()] for line in text.splitlines()[first:]]


def test_gradients_stay_gradients_or_become_steps():
    given = with_model(True, (0.0, 5.0, 2.9), (10.0, 6.0, 3.4))
    rows = [line.split() for line in nlloc_files(given)["nlloc.in"].splitlines() if line.startswith("LAYER")]
    assert [[float(value) for value in row[1:6]] for row in rows] == [
        [-10.0, 5.0, 0.0, 2.9, 0.0], [0.0, 5.0, 0.1, 2.9, 0.05], [10.0, 6.0, 0.0, 3.4, 0.0],
    ]  # fmt: skip
    assert numbers(growclust_files(given)["vzmodel.txt"]) == [[0.0, 5.0, 2.9], [10.0, 6.0, 3.4]]
    steps = [(float(line[:5]), float(line[5:])) for line in hypoinverse_files(given)["p.crh"].splitlines()[1:]]
    assert len(steps) == 20 and steps[-1] == (6.0, 10.0) and steps[9] == (5.5, 4.74)
    velest = velest_files(given)["model.mod"].splitlines()
    assert velest[1].split()[0] == "20" and velest[2].split()[:2] == ["5.03", "0.00"]


def test_close_nodes_of_a_gradient_are_an_interface():
    """As the layers of NonLinLoc are read where one of them has a gradient."""
    given = with_model(True, (0.0, 5.0, 2.9), (9.999, 5.9, 3.4), (10.0, 6.5, 3.7), (110.0, 6.5, 3.7))
    steps = [float(line[5:]) for line in hypoinverse_files(given)["p.crh"].splitlines()[1:]]
    assert len(steps) == 20 and (np.diff(steps) > 0.1).all() and steps[-3:] == [9.44, 10.0, 110.0]


def test_interfaces_stay_where_a_program_interpolates():
    given = with_model(False, (-2.0, 4.0, 2.3), (-1.0, 5.0, 2.9), (10.0, 6.0, 3.4))
    expected = [[0.0, 5.0, 2.9], [10.0, 5.0, 2.9], [10.0, 6.0, 3.4]]
    assert numbers(growclust_files(given)["vzmodel.txt"]) == expected
    assert hypoinverse_files(given)["s.crh"].splitlines()[1:] == [" 2.90 0.00", " 3.4010.00"]
    deep = with_model(False, (1.0, 5.0, 2.9), (10.0, 6.0, 3.4))
    assert numbers(growclust_files(deep)["vzmodel.txt"]) == expected
    alone = with_model(False, (0.0, 5.0, 2.9))
    assert numbers(growclust_files(alone)["vzmodel.txt"]) == [[0.0, 5.0, 2.9], [25.0, 5.0, 2.9]]


def test_nonlinloc_takes_p_and_s_from_grids_of_their_own():
    files = nlloc_files(with_model(False, (0.0, 5.0, 2.9), (10.0, 6.0, 3.4)))
    assert next(line.split() for line in files["nlloc.in"].splitlines() if line.startswith("LOCMETH"))[6] == "-1.0"
    assert files["events.obs"].splitlines()[1].split()[4] == "P"


def test_nonlinloc_s_grid_spans_the_date_line():
    collector = PeerCollector(POSITIONS)
    events = [event(arrival("AA", "STA", "P", 2.0)), event(arrival("AA", "STA", "P", 2.0))]
    for own, longitude in zip(events, (179.9, -179.9), strict=True):
        own["origins"][0]["longitude"] = longitude
    given = PeerInput(collector.take([(own, []) for own in events]), collector.stations, VelocityConfig())
    lines = {line.split()[0]: line.split() for line in nlloc_files(given)["nlloc.in"].splitlines() if line}
    assert abs(float(lines["TRANS"][3])) == 180.0 and int(lines["LOCGRID"][1]) < 60


def test_codes_that_velest_has_no_room_for_are_counted():
    collector = PeerCollector({("AA", "LONGER"): (46.0, 12.0, 0.5)})
    events = collector.take([(event(arrival("AA", "LONGER", "P", 2.0)), [])])
    velest_files(PeerInput(events, collector.stations, VelocityConfig(), left_out=collector.left_out))
    assert collector.left_out[CODE_TOO_LONG] == 1


def test_hypoinverse_is_told_that_its_phases_have_no_shadow_records():
    """COP 5 and CAR 3 with shadows would take every other line for one, and one event for the whole file."""
    commands = hypoinverse_files(with_model(False, (0.0, 5.0, 2.9)))["catalog.hyp"].splitlines()
    assert "COP 3" in commands and "CAR 3" in commands


def test_hypoinverse_gets_no_layer_slower_than_the_one_above():
    given = with_model(False, (0.0, 5.0, 2.9), (4.0, 4.2, 2.9), (8.0, 6.5, 3.7))
    with pytest.raises(InputError, match="the layer below 4 km is slower"):
        hypoinverse_files(given)


def test_hypoinverse_gets_no_more_layers_than_it_reads():
    layers = [(2.0 * number, 5.0 + 0.1 * number, 3.0 + 0.05 * number) for number in range(21)]
    assert len(hypoinverse_files(with_model(False, *layers[:20]))["p.crh"].splitlines()) == 21
    for is_gradient in (False, True):
        with pytest.raises(InputError, match="a model of 21 layers: HYPOINVERSE reads the first 20"):
            hypoinverse_files(with_model(is_gradient, *layers))
