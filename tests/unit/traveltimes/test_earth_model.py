"""A velocity model is named by its content."""

from catalogdb.traveltimes.velocity import VelocityConfig

LAYERS = [{"depth_km": 0.0, "vp": 5.85, "vs": 3.28}, {"depth_km": 22.0, "vp": 6.8, "vs": 3.8}]


def test_equal_models_have_one_name():
    assert VelocityConfig(layers=LAYERS).earth_model_id == VelocityConfig(layers=tuple(LAYERS)).earth_model_id
    assert VelocityConfig().earth_model_id == VelocityConfig(vp=6.0, vs=3.45).earth_model_id


def test_other_models_have_other_names():
    gradient = VelocityConfig(layers=LAYERS, gradient=True)
    names = {model.earth_model_id for model in (VelocityConfig(layers=LAYERS), gradient, VelocityConfig(vp=6.1))}
    assert len(names) == 3


def test_names_say_the_kind_of_model():
    assert VelocityConfig(vp=5.85, vs=3.28).earth_model_id.startswith("vp_5.85_vs_3.28_")
    assert VelocityConfig(layers=LAYERS).earth_model_id.startswith("2_layers_")
