"""Probability traces to documents and back: nothing lost but what the floor and the 8 bits say."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalogdb.errors import InputError
from catalogdb.picking.stretches import Stretch
from catalogdb.probability import codec
from catalogdb.probability.documents import hour_documents, joined, traces_of
from catalogdb.probability.traces import ProbabilityTrace

DAY = 19_800 * 86_400
HOUR = 3600
RATES = st.sampled_from([100.0, 99.9998, 100.0003, 40.0, 1.0, 0.5, 1 / 3]) | st.floats(0.05, 5)


def trace(first=0.0, samples=1000, rate=100.0, seed=0, labels=("P", "S"), silent=0.2, components="ZNE"):
    """Random probabilities, a good part of them 0, some stretches NaN; `first` in seconds after DAY."""
    rng = np.random.default_rng(seed)
    values = rng.random((len(labels), samples), dtype=np.float32) ** 3
    values[:, rng.random(samples) < silent] = np.nan
    return ProbabilityTrace(DAY * 10**9 + round(first * 1e9), rate, labels, values, components)


@st.composite
def archives(draw):
    """Several traces of one sensor with gaps between them, from single samples to several hours."""
    labels = draw(st.sampled_from([("P", "S"), ("P", "S", "D")]))
    traces, at = [], draw(st.floats(0, 2 * HOUR))
    for number in range(draw(st.integers(1, 4))):
        rate = draw(RATES)
        samples = draw(st.integers(1, 3) | st.integers(1, min(20_000, math.ceil(4 * HOUR * rate))))
        silent = draw(st.sampled_from([0.0, 0.3, 1.0]))
        traces.append(trace(at, samples, rate, number, labels, silent, draw(st.sampled_from(["ZNE", "Z"]))))
        at += samples / rate + draw(st.floats(1, 2) | st.floats(100, 2 * HOUR)) / min(rate, 1)
    return traces


def read(documents):
    return joined(part for document in documents for part in traces_of(document))


def same(one, other):
    """Equal documents or traces, NaN equal to NaN."""
    if isinstance(one, ProbabilityTrace):
        return same(vars(one), vars(other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return np.array_equal(one, other, equal_nan=True) if isinstance(one, np.ndarray) else one == other


def assert_read_back(back, values, floor):
    """`back` is what storing `values` leaves: NaN stays, above the floor within 1/255, below it 0."""
    assert back.dtype == np.float32 and back.shape == values.shape
    assert np.array_equal(np.isnan(back), np.isnan(values))
    kept = values >= np.float32(floor)
    assert np.abs(back[kept] - values[kept]).max(initial=0) <= 1 / 255
    assert (back[values < np.float32(floor)] == 0).all()


# -- times


@given(rate=RATES, first=st.floats(0, 86_400), samples=st.integers(0, 100_000), bound=st.floats(-10, 90_000))
def test_first_sample_is_the_first_one_at_or_after_a_time(rate, first, samples, bound):
    whole = ProbabilityTrace(DAY * 10**9 + round(first * 1e9), rate, ("P",), np.zeros((1, samples), np.float32))
    found = whole.first_sample(DAY + bound)
    assert 0 <= found <= samples
    assert found == 0 or whole.time(found - 1) < DAY + bound
    assert found == samples or whole.time(found) >= DAY + bound


@given(rate=RATES, start_ns=st.integers(0, 2 * 10**18), sample=st.integers(0, 8_640_000))
def test_samples_have_the_times_that_picks_have(rate, start_ns, sample):
    values = np.zeros((1, 1), np.float32)
    picked = Stretch(start_ns, rate, values, ("HHZ", None, None))
    assert ProbabilityTrace(start_ns, rate, ("P",), values).time(sample) == picked.time(sample)


# -- codec


@given(
    values=st.lists(st.floats(0, 1, width=32) | st.just(math.nan), min_size=1, max_size=200),
    floor=st.sampled_from([0.0, 0.001, 0.02, 0.05, 0.1, 0.5]),
)
@example(values=[0.0, 1.0, math.nan, 0.05, 0.049999], floor=0.05)
def test_codec_keeps_nan_and_errs_by_less_than_it_promises(values, floor):
    values = np.array([values], np.float32)
    blob = codec.compress([codec.quantise(values, floor)])
    (codes,) = codec.decompress(blob, codec.CODEC, [values.shape])
    back = codec.read_back(codes)
    assert_read_back(back, values, floor)
    kept = values >= np.float32(floor)
    assert np.abs(back[kept] - values[kept]).max(initial=0) <= codec.LARGEST_ERROR + 1e-7
    assert np.array_equal(back, codec.read_back(codec.quantise(values, floor)), equal_nan=True)


def test_what_was_read_back_is_stored_without_a_further_change():
    once = codec.read_back(codec.quantise(trace().values, 0.05))
    assert np.array_equal(codec.read_back(codec.quantise(once, 0.05)), once, equal_nan=True)


def test_blob_is_what_its_specification_says():
    """Decoded with nothing of ours."""
    import zstandard

    (document,) = hour_documents([trace(samples=500), trace(60, samples=7, seed=1)], DAY, DAY + HOUR, 0.1)
    assert document["codec"] == "u8-zstd-1"
    codes = np.frombuffer(zstandard.ZstdDecompressor().decompress(document["blob"]), np.uint8)
    assert codes.size == 2 * (500 + 7)
    second = codes[2 * 500 :].reshape(2, 7)
    expected = trace(60, samples=7, seed=1).values
    assert np.array_equal(second == 255, np.isnan(expected))
    assert np.array_equal(second[expected >= 0.1], np.rint(254 * expected[expected >= 0.1]).astype(np.uint8))
    assert (second[expected < 0.1] == 0).all()


def test_the_page_decodes_documents_as_we_do():
    page = Path(__file__).parent.parent.parent.parent / "docs" / "how-to" / "probability-traces.md"
    block = next(code for code in page.read_text().split("```python\n")[1:] if "def decode" in code)
    names = {}
    exec(block.split("```")[0], names)
    (document,) = hour_documents([trace(samples=500), trace(60, samples=7)], DAY, DAY + HOUR, 0.1)
    decoded, ours = names["decode"](document), traces_of(document)
    assert len(decoded) == len(ours) == 2
    for (start_ns, rate, values), part in zip(decoded, ours, strict=True):
        assert (start_ns, rate) == (part.start_ns, part.rate)
        assert values.dtype == np.float32 and np.array_equal(values, part.values, equal_nan=True)


# -- documents


@settings(max_examples=60)
@given(traces=archives(), floor=st.sampled_from([0.0, 0.05, 0.3]))
def test_traces_survive_the_round_trip_sample_by_sample(traces, floor):
    documents = hour_documents(traces, DAY, DAY + 40 * 86_400, floor)
    back = read(documents)
    assert len(back) == len(traces)
    for got, put in zip(back, traces, strict=True):
        assert (got.start_ns, got.rate, got.labels, got.components) == (
            put.start_ns,
            put.rate,
            put.labels,
            put.components,
        )
        assert_read_back(got.values, put.values, floor)


@settings(max_examples=60)
@given(traces=archives(), hours=st.sampled_from([1, 2, 3, 8, 12]))
def test_documents_do_not_depend_on_the_length_of_shards(traces, hours):
    end = DAY + 48 * HOUR
    whole = hour_documents(traces, DAY, end, 0.05)
    shards = [
        document
        for start in range(DAY, end, hours * HOUR)
        for document in hour_documents(traces, start, start + hours * HOUR, 0.05)
    ]
    assert len(whole) == len(shards) and all(map(same, whole, shards))


@settings(max_examples=60)
@given(traces=archives())
def test_samples_stand_in_the_hour_of_their_own_time(traces):
    documents = hour_documents(traces, DAY, DAY + 40 * 86_400, 0.05)
    starts = [document["starttime"] for document in documents]
    assert starts == sorted(set(starts))
    for document in documents:
        assert document["starttime"] % HOUR == 0 and document["endtime"] == document["starttime"] + HOUR
        assert document["segments"] and all(segment["npts"] > 0 for segment in document["segments"])
        for part in traces_of(document):
            assert document["starttime"] <= part.time(0) and part.time(part.samples - 1) < document["endtime"]


def test_each_sample_is_in_exactly_one_hour():
    values = np.arange(20, dtype=np.float32)[None] / 20
    on_the_hour = ProbabilityTrace((DAY + HOUR) * 10**9 - 10**8, 100.0, ("P",), values)
    first, second = hour_documents([on_the_hour], DAY, DAY + 2 * HOUR, 0.0)
    assert [first["segments"][0]["npts"], second["segments"][0]["npts"]] == [10, 10]
    assert second["segments"][0]["start_ns"] == (DAY + HOUR) * 10**9


def test_samples_outside_the_shard_are_left_out():
    around = trace(-600, samples=2 * HOUR, rate=1.0)
    (document,) = hour_documents([around], DAY, DAY + HOUR, 0.0)
    (part,) = traces_of(document)
    assert part.samples == HOUR and part.start_ns == DAY * 10**9
    assert_read_back(part.values, around.values[:, 600 : 600 + HOUR], 0.0)


def test_quiet_hours_have_a_document_and_hours_without_data_none():
    quiet = ProbabilityTrace(DAY * 10**9, 100.0, ("P", "S"), np.full((2, 360_000), 0.01, np.float32), "ZNE")
    later = trace(3 * HOUR, samples=10)
    first, last = hour_documents([later, quiet], DAY, DAY + 24 * HOUR, 0.05)
    assert len(first["blob"]) < 100
    assert first["seconds"] == HOUR and first["seconds_above_floor"] == {"P": 0, "S": 0}
    assert first["largest"] == {"P": pytest.approx(0.01), "S": pytest.approx(0.01)}
    assert last["starttime"] == DAY + 3 * HOUR
    assert hour_documents([], DAY, DAY + HOUR, 0.05) == []


def test_numbers_of_a_document_count_what_is_in_it():
    values = np.zeros((2, 1000), np.float32)
    values[0, 100:150], values[0, 700] = 0.5, 0.9
    values[1, 10:20] = 0.04
    values[:, 900:] = np.nan
    values[1, :5] = np.nan  # the other label says something there
    parts = [ProbabilityTrace(DAY * 10**9 + k * 10**11, 100.0, ("P", "S"), values, "ZNE") for k in range(2)]
    (document,) = hour_documents(parts, DAY, DAY + HOUR, 0.05)
    assert document["seconds"] == 18.0
    assert document["seconds_above_floor"] == {"P": 1.02, "S": 0}
    assert document["largest"] == {"P": pytest.approx(0.9), "S": pytest.approx(0.04)}


def test_an_hour_of_nothing_but_nan_says_so():
    silent = ProbabilityTrace(DAY * 10**9, 100.0, ("P", "S"), np.full((2, 1000), np.nan, np.float32), "Z")
    (document,) = hour_documents([silent], DAY, DAY + HOUR, 0.05)
    assert document["seconds"] == 0 and document["largest"] == {}
    (part,) = traces_of(document)
    assert np.isnan(part.values).all() and part.samples == 1000


@pytest.mark.parametrize(
    ("traces", "border", "floor", "named"),
    [
        ([trace()], 1800, 0.05, "whole hours"),
        ([trace()], 0, 1.0, "floor"),
        ([trace()], 0, -0.1, "floor"),
        ([trace(), trace(900, labels=("P", "S", "D"))], 0, 0.05, "labels"),
        ([ProbabilityTrace(DAY * 10**9, 1.0, ("P",), np.array([[0.2, 1.5]], np.float32))], 0, 0.05, "1.5"),
        ([ProbabilityTrace(DAY * 10**9, 1.0, ("P",), np.array([[np.nan, np.inf]], np.float32))], 0, 0.05, "inf"),
    ],
)
def test_what_cannot_be_stored_is_refused(traces, border, floor, named):
    with pytest.raises(ValueError, match=named):
        hour_documents(traces, DAY + border, DAY + HOUR, floor)


# -- documents that are not what they should be


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"codec": "u16-lz4-7"}, "u16-lz4-7"),
        ({"blob": b"nonsense"}, "decompressed"),
        ({"blob": b""}, "blob"),
        ({"labels": ["P", "S", "D"]}, "bytes"),
    ],
)
def test_documents_that_cannot_be_decoded_are_named(change, named):
    (document,) = hour_documents([trace()], DAY, DAY + HOUR, 0.05)
    document |= {"_id": "abc123", "channel_group": "OX.BAD..HH"} | change
    with pytest.raises(InputError, match=f"OX.BAD..HH abc123 .*{named}") as caught:
        traces_of(document)
    assert caught.value.hint


def test_a_flipped_bit_does_not_pass_unseen():
    (document,) = hour_documents([trace(samples=5000)], DAY, DAY + HOUR, 0.05)
    blob = bytearray(document["blob"])
    blob[len(blob) // 2] ^= 1
    with pytest.raises(InputError, match="decompressed"):
        traces_of(document | {"blob": bytes(blob)})


def test_a_cut_off_blob_does_not_pass_unseen():
    (document,) = hour_documents([trace(samples=5000)], DAY, DAY + HOUR, 0.05)
    with pytest.raises(InputError, match="decompressed"):
        traces_of(document | {"blob": document["blob"][:-10]})


# -- joining


@settings(max_examples=60)
@given(rate=RATES, first=st.floats(0, HOUR), hours=st.integers(2, 6))
def test_hours_of_one_run_are_joined_to_what_they_were_cut_from(rate, first, hours):
    whole = trace(first, math.ceil(hours * HOUR * min(rate, 5.0)), min(rate, 5.0))
    parts = [part for document in hour_documents([whole], DAY, DAY + 30 * HOUR, 0.0) for part in traces_of(document)]
    assert len(parts) >= hours
    (back,) = joined(reversed(parts))
    assert (back.start_ns, back.samples) == (whole.start_ns, whole.samples)
    assert np.array_equal(back.values, codec.read_back(codec.quantise(whole.values, 0.0)), equal_nan=True)


def test_a_missing_sample_keeps_traces_apart():
    one = trace(0, 100)
    assert len(joined([one, trace(1.0, 100)])) == 1
    assert len(joined([one, trace(1.01, 100)])) == 2
    assert len(joined([one, trace(0.99, 100)])) == 2
    assert len(joined([one, trace(1.0, 100, components="Z")])) == 2
    assert len(joined([one, trace(1.0, 100, labels=("P", "S", "D"))])) == 2
    assert len(joined([one, trace(1.0, 100, rate=50.0)])) == 2
    other = trace(1.0, 100)
    other.channel_group = "XX.AAA..HN"
    assert len(joined([one, other])) == 2


def test_close_clocks_are_joined_within_half_a_sample():
    one, jittered = trace(0, 360_000), trace(3600.004, 360_000)
    assert [part.samples for part in joined([one, jittered])] == [720_000]
    drifting = trace(3600.0, 360_000, rate=100.0002)  # 0.7 samples off at its end
    assert len(joined([one, drifting])) == 2


def test_nothing_is_joined_to_nothing():
    assert joined([]) == [] and joined([trace(samples=0)]) == []


# -- cost


def test_a_day_is_stored_hour_by_hour_in_memory():
    """A day of float32 is 69 MB; no copy of it is made."""
    import tracemalloc

    values = np.zeros((2, 8_640_000), np.float32)
    values[:, ::50] = 0.7
    day = ProbabilityTrace(DAY * 10**9, 100.0, ("P", "S"), values, "ZNE")
    tracemalloc.start()
    documents = hour_documents([day], DAY, DAY + 86_400, 0.05)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(documents) == 24 and peak < values.nbytes / 5
