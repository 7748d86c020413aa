"""Numbers of a job file that no result can come of: said with their key, before anything runs."""

from types import UnionType
from typing import Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from catalogdb.errors import InputError
from catalogdb.jobs import Job, load_job

JOB = "name: small\ncatalog: small\n"
BESIDE = {
    "associate.depth_prior": "{depth_km: 10, sigma_km: 5}",
    "event_type.working_hours": "{from_hour: 6, to_hour: 18}",
    "evaluate": "{reference: other}",
}
"""Blocks that need more than the number in question."""


def numbers(model, above=""):
    """Dotted keys of the numbers of a block and of the blocks in it."""
    for name, field in model.model_fields.items():
        is_optional = get_origin(field.annotation) in (Union, UnionType)
        kinds = get_args(field.annotation) if is_optional else (field.annotation,)
        kinds = [get_args(kind)[0] if hasattr(kind, "__metadata__") else kind for kind in kinds]
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from numbers(kind, f"{above}{name}.")
            elif kind in (float, int):
                yield f"{above}{name}"


def refused(tmp_path, key, value):
    path = tmp_path / "job.yaml"
    path.write_text(JOB)
    blocks = [f"{block}={keys}" for block, keys in BESIDE.items() if key.startswith(f"{block}.")]
    with pytest.raises(InputError) as caught:
        load_job(path, [*blocks, f"{key}={value}"])
    return str(caught.value)


def test_the_numbers_of_all_blocks_are_found():
    assert {"pick.p_threshold", "associate.depth_prior.sigma_km", "region.minlatitude"} <= set(numbers(Job))


@pytest.mark.parametrize("key", list(numbers(Job)))
@pytest.mark.parametrize("value", [".inf", "-.inf", ".nan"])
def test_infinite_numbers_and_nan_are_refused(tmp_path, key, value):
    assert key in refused(tmp_path, key, value)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("region.margin_km", [1e9]),
        ("pick.min_separation_seconds", [1e300]),
        ("associate.window_seconds", [1e-300, 1e-3]),
        ("associate.search_margin_km", [1e9, 1e300]),
        ("associate.time_error", [1e-300]),
        ("associate.min_p", [2**70]),
        ("associate.depth_prior.sigma_km", [1e-300, 1e-200]),
        ("associate.scan.node_spacing_km", [1e-300, 1e-9, 1e300]),
        ("associate.scan.tolerance", [1e300]),
        ("associate.pyocto.time_before", [1e9]),
        ("associate.pyocto.time_slicing", [1e-9]),
        ("associate.pyocto.tolerance", [1e9]),
        ("associate.pyocto.pick_match_tolerance", [1e-9, 1e9]),
        ("associate.pyocto.refinement_iterations", [2**31]),
        ("associate.pyocto.location_split_depth", [2**31]),
        ("associate.pyocto.location_split_return", [0]),
        ("relocate.condition", [1e300]),
        ("magnitude.noise_seconds", [1e-300, 1e-9]),
        ("magnitude.hutton_boore.at_100_km", [1e300]),
        ("features.before_seconds", [1e9, 1e300]),
        ("features.after_seconds", [1e9, 1e300]),
        ("features.step_seconds", [1e-300, 1e-9]),
    ],
)
def test_numbers_that_nothing_can_run_with_are_refused(tmp_path, key, values):
    for value in values:
        said = refused(tmp_path, key, repr(value).replace("e-", ".0e-").replace("e+", ".0e+"))
        assert key in said and "should be" in said
