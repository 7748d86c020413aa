"""Settings of association: strict, and free of heavy imports."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from catalogdb.association.config import AssociateConfig


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"gamma": {"covariance_prior_pre": [5]}}, "covariance_prior_pre"),
        ({"pyocto": {"n_picks": 6}}, "n_picks"),
        ({"min_pick": 5}, "min_pick"),
        ({"associator": "real"}, "associator"),
        ({"gamma": {"use_amplitude": True}}, "use_amplitude"),
        ({"velocity": {"vp": 3.0, "vs": 3.5}}, "below vp"),
        ({"velocity": {"layers": []}}, "empty"),
        ({"velocity": {"vp": 3000.0, "vs": 1700.0}}, "km/s, not m/s"),
        ({"velocity": {"layers": [{"depth_km": 0, "vp": 5800, "vs": 3300}]}}, "km/s, not m/s"),
        ({"velocity": {"layers": [{"depth_km": 0, "vp": 3, "vs": 3}]}}, "below vp"),
        ({"velocity": {"layers": [{"depth_km": 5000, "vp": 6, "vs": 3}]}}, "not metres"),
        ({"velocity": {"vp": 6.1, "layers": [{"depth_km": 0, "vp": 6, "vs": 3}]}}, "vp beside layers"),
        ({"velocity": {"vs": 3.45, "layers": [{"depth_km": 0, "vp": 6, "vs": 3}]}}, "vs beside layers"),
        ({"location_velocity": {"vp": 3000.0}}, "km/s, not m/s"),
        ({"depth_prior": {"depth_km": 10000, "sigma_km": 1}}, "not metres"),
        (
            {"velocity": {"layers": [{"depth_km": 5, "vp": 6, "vs": 3}, {"depth_km": 1, "vp": 7, "vs": 4}]}},
            "shallowest",
        ),
        ({"pyocto": {"location_split_depth": 4}}, "location_split_return"),
    ],
)
def test_what_is_not_a_setting_is_refused(settings, words):
    with pytest.raises(ValidationError, match=words):
        AssociateConfig(**settings)


def test_every_setting_is_described():
    def undescribed(model):
        for name, field in model.model_fields.items():
            if not field.description:
                yield f"{model.__name__}.{name}"
            if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields"):
                yield from undescribed(field.annotation)

    assert list(undescribed(AssociateConfig)) == []


def test_settings_load_no_associator():
    code = (
        "import sys, catalogdb.association.config, catalogdb.association.windows, catalogdb.geo;"
        "print(sorted({'gamma', 'pyocto', 'torch', 'sklearn', 'obspy', 'scipy', 'pyproj'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_layers_come_back_from_a_stored_job():
    layers = {"layers": [{"depth_km": 0, "vp": 6, "vs": 3}]}
    stored = AssociateConfig(velocity=layers).model_dump(mode="json")
    assert AssociateConfig.model_validate(stored) == AssociateConfig(velocity=layers)
    older = stored | {"velocity": stored["velocity"] | {"vp": 6.0, "vs": 3.45}}
    assert AssociateConfig.model_validate(older) == AssociateConfig(velocity=layers)


def test_auto_is_the_default_and_named_as_what_runs():
    automatic, named = AssociateConfig(associator="auto"), AssociateConfig(associator="scan")
    assert AssociateConfig() == automatic == named
    assert automatic.model_dump()["associator"] == "scan"
