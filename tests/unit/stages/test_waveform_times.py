"""Times that are read of a station are joined where they are close, and segments are those that meet one of them."""

from catalogdb.stages.waveform_segments import JOIN_SECONDS, joined, meeting, meets, waveform_parts


def test_close_times_of_one_station_are_joined():
    spans = [
        ("A", 500.0, 510.0),
        ("B", 0.0, 9.0),
        ("A", 0.0, 100.0),
        ("A", 20.0, 30.0),
        ("A", 100.0 + JOIN_SECONDS, 170),
    ]
    assert joined(spans) == {"B": [(0.0, 9.0)], "A": [(0.0, 170), (500.0, 510.0)]}


def test_segments_that_touch_a_time_are_met():
    def segment(start, end):
        return {"starttime": start, "endtime": end}

    times = [(0.0, 10.0), (50.0, 60.0), (90.0, 91.0)]
    inside = [segment(10.0, 20.0), segment(15.0, 95.0), segment(-5.0, 0.0), segment(55.0, 56.0), segment(-9.0, 99.0)]
    outside = [segment(11.0, 49.0), segment(61.0, 89.0), segment(-5.0, -1.0), segment(92.0, 99.0)]
    assert meeting([*outside, *inside], times) == inside
    assert meeting(inside, []) == []
    assert meets(times) == {"starttime": {"$lte": 91.0}, "endtime": {"$gte": 0.0}}


def test_equal_content_under_two_names_is_one_part():
    one, other = {"identity": "a"}, {"identity": "b"}
    assert waveform_parts({"X": [one, other, one], "Y": []}) == waveform_parts({"X": [other, one]})
