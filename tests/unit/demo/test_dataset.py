"""A written demo day: files, truth and gaps."""

import numpy as np
import pytest
from obspy import UTCDateTime, read, read_events, read_inventory

from catalogdb.demo.dataset import write_demo_day
from catalogdb.demo.visibility import onset_snr

ARGUMENTS = {"duration_s": 600.0, "stations": ["CLUD", "ZOU", "CSM", "MPRI"], "events": 2, "lowest_ml": 1.5}


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    return write_demo_day(tmp_path_factory.mktemp("day"), seed=7, **ARGUMENTS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_demo_day(tmp_path_factory.mktemp("whole"), seed=7, gaps=0, **ARGUMENTS)


def test_files_lie_in_an_sds_archive(day):
    names = {str(path.relative_to(day.waveforms_dir)) for path in day.waveform_files}
    assert len(names) == 3 + 3 + 1 + 3
    assert "2024/OX/CLUD/HHZ.D/OX.CLUD..HHZ.D.2024.087" in names
    assert "2024/OX/MPRI/HHE.D/OX.MPRI.00.HHE.D.2024.087" in names
    assert "2024/OX/ZOU/HH1.D/OX.ZOU..HH1.D.2024.087" in names
    assert {path.stat().st_size > 0 for path in day.waveform_files} == {True}


def test_mini_seed_is_steim2_integers_at_100_hz(day):
    for path in day.waveform_files:
        for trace in read(str(path)):
            assert trace.data.dtype == np.int32 and trace.stats.sampling_rate == 100.0
            assert trace.stats.mseed.encoding == "STEIM2"
            assert trace.stats.starttime >= day.start and trace.stats.endtime < day.start + day.duration_s


def test_same_seed_same_samples_and_truth(day, tmp_path):
    again = write_demo_day(tmp_path, seed=7, **ARGUMENTS)
    for first, second in zip(day.waveform_files, again.waveform_files, strict=True):
        assert first.read_bytes() == second.read_bytes()
    assert day.truth_path.read_bytes() == again.truth_path.read_bytes()
    assert day.stations_path.read_bytes() == again.stations_path.read_bytes()


def test_another_seed_another_day(day, tmp_path):
    other = write_demo_day(tmp_path, seed=8, **ARGUMENTS)
    assert other.earthquakes != day.earthquakes


def test_gaps_late_start_and_early_end_are_in_the_files(day, whole):
    begins = [begin for _, begin, _ in day.gaps]
    ends = [end for _, _, end in day.gaps]
    assert len(day.gaps) >= 5 and min(begins) == 0.0 and max(ends) == day.duration_s
    complete = {path.name: read(str(path))[0].data for path in whole.waveform_files}
    for path in day.waveform_files:
        station = path.name.split(".")[1]
        expected = np.ones(60_000, bool)
        for code, begin, end in day.gaps:
            if code == station:
                expected[round(begin * 100) : round(end * 100)] = False
        found = np.zeros(60_000, bool)
        for trace in read(str(path)):
            first = round((trace.stats.starttime - day.start) * 100)
            found[first : first + trace.stats.npts] = True
            # What is there is the same as without gaps: the file reads back the samples that were made.
            np.testing.assert_array_equal(trace.data, complete[path.name][first : first + trace.stats.npts])
        np.testing.assert_array_equal(found, expected)
    assert not whole.gaps and all(len(read(str(path))) == 1 for path in whole.waveform_files)


def test_no_true_pick_lies_in_a_gap(day, whole):
    for pick in day.picks:
        assert not any(code == pick.station and begin <= pick.time_s < end for code, begin, end in day.gaps)
    assert {(p.event, p.station, p.phase) for p in day.picks} <= {(p.event, p.station, p.phase) for p in whole.picks}


def test_truth_is_quakeml_with_events_picks_and_arrivals(whole):
    catalog = read_events(str(whole.truth_path))
    assert len(catalog) == len(whole.earthquakes) == 2
    for event, earthquake in zip(catalog, whole.earthquakes, strict=True):
        origin, magnitude = event.preferred_origin(), event.preferred_magnitude()
        assert origin.time == whole.start + earthquake.origin_s
        assert origin.depth == pytest.approx(1000 * earthquake.depth_km)
        assert (magnitude.mag, magnitude.magnitude_type) == (earthquake.ml, "ML")
        assert origin.evaluation_mode == "manual"
        picks = {str(pick.resource_id): pick for pick in event.picks}
        assert picks and len(origin.arrivals) == len(picks)
        for arrival in origin.arrivals:
            pick = picks[str(arrival.pick_id)]
            assert pick.phase_hint == arrival.phase and pick.time > origin.time
            assert pick.evaluation_mode == "manual"
        by_station = {(p.waveform_id.station_code, p.phase_hint): p.time for p in event.picks}
        for station in {code for code, _ in by_station}:
            if {(station, "P"), (station, "S")} <= set(by_station):
                assert by_station[station, "P"] < by_station[station, "S"]
    identifiers = [str(event.resource_id) for event in catalog]
    assert identifiers[0] == "smi:local/catalogdb-demo/seed7/20240327/event001"


def test_picks_name_channels_that_exist(day):
    channels = {channel.split(" ")[0] for channel in read_inventory(str(day.stations_path)).get_contents()["channels"]}
    for event in read_events(str(day.truth_path)):
        assert {pick.waveform_id.get_seed_string() for pick in event.picks} <= channels


def test_amplitude_rises_at_true_p_onsets(whole):
    strong = [pick for pick in whole.picks if pick.phase == "P" and pick.snr > 10]
    assert strong
    for pick in strong:
        trace = read(str(whole.waveforms_dir / "2024" / "OX" / pick.station / f"{pick.channel}.D" / "*"))[0]
        trace.detrend("demean").filter("bandpass", freqmin=2.0, freqmax=20.0)
        onset = int(pick.time_s * 100)
        assert trace.data[onset : onset + 100].std() > 4 * trace.data[onset - 300 : onset - 5].std()


def test_a_part_of_a_day_by_defaults(tmp_path):
    small = write_demo_day(tmp_path, 1, "2023-12-31", duration_s=120.0, stations=1)
    assert small.start == UTCDateTime("2023-12-31") and len(small.earthquakes) == 1
    assert all(".2023.365" in path.name for path in small.waveform_files)


@pytest.mark.parametrize("duration_s", [0.0, -1.0, 86_401.0])
def test_impossible_durations_are_refused(tmp_path, duration_s):
    with pytest.raises(ValueError, match="duration_s"):
        write_demo_day(tmp_path, duration_s=duration_s)


def test_snr_of_a_known_signal():
    rng = np.random.default_rng(0)
    signal = np.zeros((1, 1000), np.float32)
    signal[:, 500:] = 5.0 * rng.standard_normal(500)
    record = signal + rng.standard_normal((1, 1000)).astype(np.float32)
    assert onset_snr(signal, record, 500, "P") == pytest.approx(5.0, rel=0.3)
    assert onset_snr(signal, record, 100, "P") == 0.0
    assert onset_snr(signal, np.zeros_like(signal), 500, "P") == 0.0
