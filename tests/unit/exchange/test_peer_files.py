"""What other locators are given of an event: arrivals that they can use, at the places of their own stations."""

import io

from catalogdb.exchange.peer_files import NO_FIRST_ARRIVALS, SECOND_OF_A_CODE, PeerWriter

POSITIONS = {("AA", "STA"): (46.0, 12.0, 0.5), ("BB", "STA"): (47.0, 13.0, 1.0), ("AA", "OTHR"): (46.2, 12.1, 0.0)}
START = 1.7e9


def arrival(net, sta, phase, seconds, **more):
    return {"pick_id": f"{net}.{sta}.{phase}", "net": net, "sta": sta, "phase": phase, "time": START + seconds} | more


def event(*arrivals):
    origin = {"_id": "o", "time": START, "latitude": 46.1, "longitude": 12.0, "depth_km": 5.0, "arrivals": arrivals}
    return {"_id": "e", "origins": [origin], "preferred_origin_id": "o"}


def hypodd(*arrivals):
    writer, stream = PeerWriter(POSITIONS), io.StringIO()
    writer.write_hypodd([(event(*arrivals), [])], stream, io.StringIO())
    return writer, [line.split() for line in stream.getvalue().splitlines()[1:]]


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
