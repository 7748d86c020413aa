"""Labelled files are read as they are, and what can't be is counted with the reason."""

import numpy as np
import pandas as pd
import pytest
from labelled_records import P_SAMPLE, RATE, S_SAMPLE, START, record, write_arrays

from catalogdb.errors import InputError
from catalogdb.training.formats import read_folder, write_seisbench


def times(found):
    return {onset.phase: round(onset.time - found.starttime, 3) for onset in found.onsets}


def test_arrays_with_a_table_are_read(tmp_path):
    read = read_folder(write_arrays(tmp_path / "set", range(3), without_s=[1]), "unknown")
    assert read.rejected == [] and [each.known for each in read.records] == ["PS", "P", "PS"]
    assert times(read.records[0]) == {"P": P_SAMPLE / RATE, "S": S_SAMPLE / RATE}
    assert read.records[2].starttime == pytest.approx(START + 7200)
    assert [trace.id for trace in read.records[1].traces] == ["XX.S1..HHZ", "XX.S1..HHN", "XX.S1..HHE"]


def test_a_row_without_a_time_is_rejected_by_its_line(tmp_path):
    folder = write_arrays(tmp_path / "set", range(2))
    text = (folder / "traces.csv").read_text().replace("XX_S_2020010101000000", "nameless")
    (folder / "traces.csv").write_text(text)
    read = read_folder(folder, "unknown")
    assert len(read.records) == 1 and "row 3 (nameless)" in read.rejected[0]


def test_seisbench_format_comes_back_as_it_was_written(tmp_path):
    records = [record(0, event="a"), record(1, phases="P", event="b"), record(2, event="c")]
    counts = write_seisbench(zip(records, ("train", "validation", "test"), strict=True), tmp_path / "out")
    assert counts == {"written": 3}
    read = read_folder(tmp_path / "out", "unknown")
    assert read.rejected == []
    for before, after in zip(records, read.records, strict=True):
        assert (after.station, after.event, after.known) == (before.station, before.event, before.known)
        assert times(after) == times(before)
        for old, new in zip(before.traces, after.traces, strict=True):
            assert new.stats.channel == old.stats.channel and np.array_equal(new.data, old.data)
    assert [each.given for each in read.records] == ["train", "validation", "test"]


def test_seisbench_itself_reads_what_was_written(tmp_path):
    import seisbench.data as sbd

    write_seisbench(((record(number), "train") for number in range(2)), tmp_path / "out")
    dataset = sbd.WaveformDataset(tmp_path / "out", component_order="ZNE", dimension_order="NCW")
    assert len(dataset) == 2 and dataset.metadata["trace_P_arrival_sample"].tolist() == [P_SAMPLE] * 2
    assert dataset.get_waveforms(0).shape == (3, 6000)


def test_arrivals_outside_of_the_trace_are_rejected(tmp_path):
    write_seisbench(((record(number), "train") for number in range(2)), tmp_path / "out")
    metadata = pd.read_csv(tmp_path / "out" / "metadata.csv")
    metadata.loc[1, "trace_S_arrival_sample"] = 9_999
    metadata["trace_pP_arrival_sample"] = 10
    metadata.to_csv(tmp_path / "out" / "metadata.csv", index=False)
    read = read_folder(tmp_path / "out", "unknown")
    assert len(read.records) == 1 and "sample 9999 lies outside of the 6000 samples" in read.rejected[0]
    assert read.ignored == ["pP"]


def test_components_that_differ_are_left_out_and_counted(tmp_path):
    odd = record(0)
    odd.traces[1].stats.sampling_rate = 50.0
    counts = write_seisbench(iter([(odd, None), (record(1), None)]), tmp_path / "out")
    assert counts["written"] == 1 and [number for name, number in counts.items() if "differ" in name] == [1]


def test_a_folder_without_labels_says_what_is_wanted(tmp_path):
    with pytest.raises(InputError, match=r"metadata.csv and waveforms.hdf5 \(SeisBench\), or traces.csv"):
        read_folder(tmp_path, "unknown")
    (tmp_path / "metadata.csv").write_text("trace_name\nx\n")
    (tmp_path / "waveforms.hdf5").write_bytes(b"no")
    with pytest.raises(InputError, match="SeisBench can't read"):
        read_folder(tmp_path, "unknown")


def test_a_full_folder_is_not_written_over(tmp_path):
    (tmp_path / "a").write_text("x")
    with pytest.raises(InputError, match="holds files already"):
        write_seisbench(iter([]), tmp_path)


def test_a_data_set_larger_than_memory_is_refused(tmp_path):
    write_seisbench(((record(number), "train") for number in range(2)), tmp_path / "out")
    metadata = pd.read_csv(tmp_path / "out" / "metadata.csv")
    metadata["trace_npts"] = 10**12
    metadata.to_csv(tmp_path / "out" / "metadata.csv", index=False)
    with pytest.raises(InputError, match="its 2 traces take 24000.0 GB"):
        read_folder(tmp_path / "out", "unknown")
