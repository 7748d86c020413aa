"""The demo's stations and their StationXML."""

import io

import numpy as np
import pytest
from obspy import read_inventory

from catalogdb.demo.network import SITES, Instrument, inventory, select_sites


def test_station_xml_round_trip_repeats_one_station_per_channel():
    buffer = io.BytesIO()
    inventory().write(buffer, format="STATIONXML", validate=True)
    buffer.seek(0)
    stations = read_inventory(buffer)[0].stations
    codes = [station.code for station in stations]
    assert codes.count("CLUD") == 3
    assert set(codes) == {site.code for site in SITES} and len(SITES) >= 14
    assert all(codes.count(code) == 1 for code in set(codes) - {"CLUD"})
    channels = {(s.code, c.location_code, c.code): c for s in stations for c in s.channels}
    assert ("MPRI", "00", "HHZ") in channels
    assert {key[2] for key in channels if key[0] == "CSM"} == {"EHZ"}
    assert {key[2] for key in channels if key[0] == "BAD"} == {"HHZ", "HHN", "HHE", "EHZ", "EHN", "EHE"}
    assert channels["ZOU", "", "HH1"].azimuth == 37.0 and channels["ZOU", "", "HH2"].azimuth == 127.0
    assert channels["VINO", "", "HHZ"].dip == -90.0


def test_response_in_station_xml_is_the_one_used_for_synthesis():
    instrument = Instrument("EH", corner_hz=1.0, volts_per_m_s=400.0)
    response = inventory(select_sites(["BAD"])).get_response("OX.BAD.10.EHZ", inventory()[0].start_date)
    frequency = np.array([0.3, 1.0, 5.0, 20.0])
    evaluated = response.get_evalresp_response_for_frequencies(frequency, output="VEL")
    expected = instrument.response(frequency) * instrument.counts_per_m_s
    np.testing.assert_allclose(np.abs(evaluated), np.abs(expected), rtol=2e-3)
    np.testing.assert_allclose(np.angle(evaluated), np.angle(expected), atol=2e-3)


def test_selection_of_sites():
    assert [site.code for site in select_sites(2)] == [site.code for site in SITES[:2]]
    assert [site.code for site in select_sites(["ZOU", "BAD"])] == ["ZOU", "BAD"]
    with pytest.raises(ValueError, match="NONE"):
        select_sites(["ZOU", "NONE"])
    with pytest.raises(ValueError):
        select_sites(0)
