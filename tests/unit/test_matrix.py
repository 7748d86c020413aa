"""A job's matrix: its cells, their names, and what they share."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogdb.errors import InputError
from catalogdb.jobs import JobFile, load_job, load_job_file
from catalogdb.matrix import cells

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def job_file(matrix, **keys):
    return JobFile.model_validate({"name": "study", "catalog": "study", "matrix": matrix} | keys)


def test_cells_are_all_combinations_named_by_their_values():
    found = cells(
        job_file(
            {
                "pick.weights": ["original", "stead"],
                "pick.p_threshold": [0.1, 0.3],
                "associate.associator": ["gamma", "pyocto"],
            }
        ),
        NOW,
    )
    assert len(found) == 8
    assert found[0].job.catalog == "study-original-p0.1-gamma"
    assert found[-1].job.catalog == "study-stead-p0.3-pyocto"
    assert found[-1].job.pick_set_name == "study-stead-p0.3"
    assert (found[-1].job.pick.weights, found[-1].job.pick.p_threshold) == ("stead", 0.3)
    assert found[-1].job.associate.associator == "pyocto"
    assert len({cell.job.pick_set_name for cell in found}) == 4
    assert {cell.source.pick_set_name for cell in found} == {"study-original", "study-stead"}
    for cell in found:
        assert cell.source.stages == ("pick",) and cell.source.pick.probability == "sparse"
        assert cell.source.pick.p_threshold == 0.3 and cell.job.pick.probability == "none"


def test_the_inference_is_independent_of_the_thresholds():
    few, many = (cells(job_file({"pick.p_threshold": values}), NOW) for values in ([0.3], [0.1, 0.2, 0.3]))
    assert few[0].source == many[0].source and few[0].job == many[-1].job


def test_a_labelled_axis_sets_several_keys():
    thresholds = {
        "low": {"pick.p_threshold": 0.1, "pick.s_threshold": 0.1},
        "high": {"pick.p_threshold": 0.3, "pick.s_threshold": 0.4},
    }
    low, high = cells(job_file({"thresholds": thresholds}), NOW)
    assert (low.job.catalog, high.job.catalog) == ("study-low", "study-high")
    assert (high.job.pick.p_threshold, high.job.pick.s_threshold) == (0.3, 0.4)


def test_labels_that_mix_network_and_thresholds_share_the_network():
    models = {
        "bold": {"pick.weights": "stead", "pick.p_threshold": 0.1},
        "shy": {"pick.weights": "stead", "pick.p_threshold": 0.5},
    }
    found = cells(job_file({"model": models}), NOW)
    assert {cell.source.pick_set_name for cell in found} == {"study-stead"}
    models["stead"] = models.pop("shy")
    with pytest.raises(InputError, match="two results would be named study-stead"):
        cells(job_file({"model": models}), NOW)


def test_cells_without_thresholds_pick_by_themselves():
    found = cells(job_file({"pick.weights": ["original", "stead"], "associate.min_picks": [4, 5]}), NOW)
    assert all(cell.source is None and cell.job.pick.probability == "sparse" for cell in found)
    assert [cell.job.catalog for cell in found][:2] == ["study-original-min_picks4", "study-original-min_picks5"]
    assert {cell.job.pick_set_name for cell in found} == {"study-original", "study-stead"}


def test_picks_of_others_are_shared_by_all_cells():
    axis = {"associate.associator": ["gamma", "pyocto"]}
    found = cells(job_file(axis, stages=["associate"], pick_set="analysts"), NOW)
    assert {cell.job.pick_set_name for cell in found} == {"analysts"}
    with pytest.raises(InputError, match="no stage pick"):
        cells(job_file({"pick.p_threshold": [0.1]}, stages=["associate"]), NOW)


@given(st.lists(st.text(min_size=1, max_size=120), min_size=2, max_size=5, unique=True))
@settings(max_examples=200)
def test_different_values_never_share_a_name(values):
    found = cells(job_file({"pick.weights": values, "magnitude.form": ["ogs"]}), NOW)
    names = [cell.job.catalog for cell in found]
    assert len(set(names)) == len(values) and max(map(len, names)) <= 100


@pytest.mark.parametrize("values", [["a-b", "a"], ["1", "1.0"], ["x/y.pt", "x_y.pt"], ["v 1", "v_1"]])
def test_values_alike_are_told_apart(values):
    names = {cell.job.catalog for cell in cells(job_file({"pick.weights": values}), NOW)}
    assert len(names) == 2


@pytest.mark.parametrize(
    ("matrix", "keys", "said"),
    [
        ({}, {}, "has no matrix"),
        ({"pick.weights": []}, {}, "pick.weights: has no values"),
        ({"pick.weights": ["a", "a"]}, {}, "given twice"),
        ({"catalog": ["a", "b"]}, {}, "catalog can't vary"),
        ({"period.last_days": [1, 2]}, {}, "can't vary"),
        ({"pick.p_treshold": [0.1]}, {}, "p_treshold: unknown key; did you mean p_threshold"),
        ({"pick.p_threshold": [3]}, {}, "pick.p_threshold"),
        ({"pick.p_threshold": [0.01]}, {}, "below 0.05"),
        ({"pick.p_threshold": [0.1]}, {"pick": {"probability": "none"}}, "keeps no peaks"),
        ({"pick.p_threshold": [0.1], "x": {"a": {"pick.p_threshold": 0.2}}}, {}, "two axes set the same key"),
    ],
)
def test_what_is_wrong_is_said(matrix, keys, said):
    with pytest.raises(InputError) as caught:
        cells(job_file(matrix, **keys), NOW)
    assert said in str(caught.value)


def test_a_matrix_is_not_run_as_one_job(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("name: study\ncatalog: study\nmatrix: {pick.p_threshold: [0.1, 0.3]}\n")
    assert load_job_file(path).matrix == {"pick.p_threshold": [0.1, 0.3]}
    with pytest.raises(InputError) as caught:
        load_job(path)
    assert "catalogdb sweep" in caught.value.hint
    assert load_job(path, ["matrix={}"]).catalog == "study"
