"""Which channel is the vertical and which are the horizontals: by code, by dip and azimuth, at each time."""

from __future__ import annotations

import pytest

from catalogdb.components import SLOTS, Axis, component_slots, slot_spans


def axis(chan, from_up=None, azimuth=None, start=0.0, end=1e10):
    return Axis(chan, start, end, from_up, azimuth)


def slots(*letters, **axes):
    """Letters by slot, "." for none; axes as (angle from up, azimuth) by letter after "c"."""
    known = {f"HH{name[1:]}": axis(f"HH{name[1:]}", *values) for name, values in axes.items()}
    found = component_slots([f"HH{letter}" for letter in letters], known)
    assert len(set(found.values())) == len(found)
    return "".join(next((chan[-1] for chan, slot in found.items() if slot == number), ".") for number in range(3))


@pytest.mark.parametrize(
    ("letters", "expected"),
    [("ZNE", "ZNE"), ("Z12", "Z12"), ("Z23", "Z23"), ("12", ".12"), ("Z2", "Z.2"), ("Z1", "Z1."), ("ZXY", "Z..")],
)
def test_codes_say_what_channels_are_where_metadata_do_not(letters, expected):
    assert slots(*letters) == expected


def test_of_123_without_metadata_none_is_taken_for_a_horizontal():
    assert slots("1", "2", "3") == "..."


@pytest.mark.parametrize("vertical", ["1", "2", "3"])
def test_dip_says_which_of_123_is_the_vertical(vertical):
    first, second = sorted({"1", "2", "3"} - {vertical})
    assert slots("1", "2", "3", **{f"c{vertical}": (0.0, 0.0)}) == vertical + first + second
    assert slots("1", "2", "3", **{f"c{vertical}": (180.0, 0.0)}) == vertical + first + second


def test_azimuth_says_which_horizontal_is_nearer_to_north():
    assert slots("Z", "1", "2", c1=(90.0, 100.0), c2=(90.0, 190.0)) == "Z21"
    assert slots("Z", "1", "2", c1=(90.0, 350.0), c2=(90.0, 80.0)) == "Z12"
    assert slots("Z", "1", "2", c1=(90.0, 90.0)) == "Z21"
    assert slots("Z", "2", "3", c2=(90.0, 90.0), c3=(90.0, 180.0)) == "Z32"
    assert slots("X", "Y", "Z", cX=(90.0, 0.0), cY=(90.0, 90.0)) == "ZXY"


def test_metadata_with_two_verticals_are_not_believed():
    assert slots("Z", "1", "2", c1=(0.0, 0.0), c2=(0.0, 0.0)) == "Z12"


def test_codes_that_say_it_all_need_no_metadata():
    assert slots("Z", "N", "E", cN=(90.0, 90.0), cE=(90.0, 0.0), cZ=(90.0, 0.0)) == "ZNE"


def in_slots(recorded, axes=()):
    filled, unused = slot_spans({f"HH{letter}": spans for letter, spans in recorded.items()}, axes)
    named = {
        letter: {chan[-1]: spans for chan, spans in slot.items()} for letter, slot in zip(SLOTS, filled, strict=True)
    }
    return named, {chan[-1]: spans for chan, spans in unused.items()}


def test_a_slot_goes_over_to_another_channel_in_time():
    named, unused = in_slots({"Z": [(0, 100)], "N": [(0, 50)], "1": [(50, 100)]})
    assert named == {"Z": {"Z": [(0, 100)]}, "N": {"N": [(0, 50)], "1": [(50, 100)]}, "E": {}} and unused == {}


def test_while_two_channels_claim_a_slot_the_named_one_is_used():
    named, unused = in_slots({"N": [(0, 60)], "1": [(40, 100)]})
    assert named["N"] == {"N": [(0, 60)], "1": [(60, 100)]} and unused == {"1": [(40, 60)]}


def test_a_short_outage_does_not_change_what_the_others_are():
    named, _ = in_slots({"Z": [(0, 100)], "2": [(0, 100)], "3": [(0, 50), (55, 100)]})
    assert named["N"] == {"2": [(0, 100)]} and named["E"] == {"3": [(0, 50), (55, 100)]}


def test_a_new_epoch_of_metadata_changes_what_a_channel_is():
    turned = [axis("HH1", 90.0, 0.0, 0, 50), axis("HH1", 90.0, 90.0, 50, 1e10)]
    named, _ = in_slots({"1": [(0, 100)]}, turned)
    assert named["N"] == {"1": [(0, 50)]} and named["E"] == {"1": [(50, 100)]}
