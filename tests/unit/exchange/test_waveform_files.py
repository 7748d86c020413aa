"""SAC and miniSEED of an event: headers, gaps, channels without a place."""

import numpy as np
import obspy
import pytest
from obspy.geodetics import gps2dist_azimuth

from catalogdb.exchange.waveform_files import write_miniseed, write_sac

TIME = 1711501234.123457
ARRIVALS = [
    {"pick_id": name, "sta": "BAD", "phase": phase, "time": TIME + seconds}
    for name, phase, seconds in (("p", "Pg", 3.25), ("q", "Pn", 3.0), ("s", "Sg", 5.5))
]
EVENT = {
    **{"_id": "0123456789abcdef0123", "time": TIME, "latitude": 46.0, "longitude": 13.0, "depth_km": 7.5},
    **{"magnitude": 2.1, "preferred_origin_id": "o", "origins": [{"_id": "o", "arrivals": ARRIVALS}]},
}
PLACE = {"lat": 46.2, "lon": 13.1, "elev": 0.59, "edepth": 0.002, "hang": 90.0, "vang": 90.0}


def trace(sta="BAD", chan="HHE", seconds=-5.0, net="OX"):
    stats = {"network": net, "station": sta, "channel": chan, "sampling_rate": 100.0}
    return obspy.Trace(np.arange(1000, dtype="int32"), stats | {"starttime": obspy.UTCDateTime(TIME + seconds)})


def test_sac_has_event_station_and_arrivals(tmp_path):
    assert write_sac(obspy.Stream([trace()]), EVENT, {"OX.BAD..HHE": PLACE}, tmp_path) == ["OX.BAD..HHE.sac"]
    (read,) = obspy.read(str(tmp_path / "OX.BAD..HHE.sac"))
    sac = read.stats.sac
    assert (sac.evla, sac.evlo, sac.evdp, sac.mag) == pytest.approx((46.0, 13.0, 7.5, 2.1))
    assert (sac.stla, sac.stlo, sac.stel, sac.stdp) == pytest.approx((46.2, 13.1, 590.0, 2.0))
    assert (sac.cmpaz, sac.cmpinc, sac.kevnm.strip()) == (90.0, 90.0, EVENT["_id"][:16])
    reference = obspy.UTCDateTime(
        year=sac.nzyear, julday=sac.nzjday, hour=sac.nzhour, minute=sac.nzmin, second=sac.nzsec,
        microsecond=1000 * sac.nzmsec,
    )  # fmt: skip
    assert abs(reference - TIME) < 1e-3 and abs(reference + float(sac.o) - TIME) < 1e-5
    assert (sac.a - sac.o, sac.t0 - sac.o) == pytest.approx((3.0, 5.5), abs=1e-5)
    assert (sac.ka.strip(), sac.kt0.strip()) == ("P", "S")
    assert (sac.t5, sac.t6, sac.kt5.strip(), sac.kt6.strip()) == (sac.a, sac.t0, "P", "S")
    metres, azimuth, back = gps2dist_azimuth(46.0, 13.0, 46.2, 13.1)
    assert (sac.dist, sac.az, sac.baz) == pytest.approx((metres / 1000.0, azimuth, back), rel=1e-3)
    assert abs(read.stats.starttime - (TIME - 5.0)) < 1e-5 and np.array_equal(read.data, np.arange(1000))


def test_stations_of_one_code_have_the_arrivals_of_their_networks(tmp_path):
    arrivals = [
        {"net": net, "sta": "BAD", "phase": phase, "time": TIME + seconds}
        for net, phase, seconds in (("OX", "P", 3.0), ("OX", "S", 5.5), ("ST", "P", 4.0))
    ]
    event = EVENT | {"origins": [{"_id": "o", "arrivals": arrivals}]}
    names = write_sac(obspy.Stream([trace(), trace(net="ST")]), event, {}, tmp_path)
    own, other = (obspy.read(str(tmp_path / name))[0].stats.sac for name in names)
    assert (own.a - own.o, own.t0 - own.o) == pytest.approx((3.0, 5.5), abs=1e-5)
    assert other.a - other.o == pytest.approx(4.0, abs=1e-5) and "t0" not in other


def test_gaps_are_further_files_and_channels_may_lack_a_place(tmp_path):
    names = write_sac(obspy.Stream([trace(), trace(seconds=20.0), trace("BOO")]), EVENT, {}, tmp_path)
    assert names == ["OX.BAD..HHE.sac", "OX.BAD..HHE.2.sac", "OX.BOO..HHE.sac"]
    sac = obspy.read(str(tmp_path / names[2]))[0].stats.sac
    assert "stla" not in sac and "a" not in sac and "dist" not in sac


def test_miniseed_has_a_file_for_each_channel(tmp_path):
    stream = obspy.Stream([trace(), trace(seconds=20.0), trace("BOO")])
    assert write_miniseed(stream, tmp_path) == ["OX.BAD..HHE.mseed", "OX.BOO..HHE.mseed"]
    first, second = obspy.read(str(tmp_path / "OX.BAD..HHE.mseed"))
    assert second.stats.starttime - first.stats.starttime == pytest.approx(25.0, abs=1e-4)
    assert np.array_equal(first.data, np.arange(1000))
