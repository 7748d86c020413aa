"""A velocity model is named by its content."""

import pytest
from pydantic import ValidationError

from catalogdb.traveltimes.velocity import VelocityConfig

LAYERS = [{"depth_km": 0.0, "vp": 5.85, "vs": 3.28}, {"depth_km": 22.0, "vp": 6.8, "vs": 3.8}]


def test_equal_models_have_one_name():
    assert VelocityConfig(layers=LAYERS).earth_model_id == VelocityConfig(layers=tuple(LAYERS)).earth_model_id
    assert VelocityConfig().earth_model_id == VelocityConfig(vp=6.0, vs=3.45).earth_model_id


def test_other_models_have_other_names():
    gradient = VelocityConfig(layers=LAYERS, gradient=True)
    names = {model.earth_model_id for model in (VelocityConfig(layers=LAYERS), gradient, VelocityConfig(vp=6.1))}
    assert len(names) == 3


def test_shells_have_another_name_and_flat_layers_keep_theirs():
    flat = VelocityConfig(layers=LAYERS)
    assert VelocityConfig(layers=LAYERS, spherical=True).earth_model_id != flat.earth_model_id
    assert flat.earth_model_id == "2_layers_7422b2051628"
    assert "spherical" not in flat.model_dump()
    again = VelocityConfig.model_validate(VelocityConfig(layers=LAYERS, spherical=True).model_dump(mode="json"))
    assert again.spherical


def test_two_speeds_are_no_shells():
    with pytest.raises(ValidationError, match="spherical without layers"):
        VelocityConfig(vp=6.0, vs=3.5, spherical=True)


def test_names_say_the_kind_of_model():
    assert VelocityConfig(vp=5.85, vs=3.28).earth_model_id.startswith("vp_5.85_vs_3.28_")
    assert VelocityConfig(layers=LAYERS).earth_model_id.startswith("2_layers_")
