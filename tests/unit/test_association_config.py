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
