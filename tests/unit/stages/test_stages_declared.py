"""What stages declare of themselves agrees with job files and schemas."""

import ast
from pathlib import Path

import pytest

from catalogdb import stage_list
from catalogdb.errors import InputError
from catalogdb.jobs import PICKING_ALONE, Job, JobFile, blocks
from catalogdb.ledger.stage import FileStage, Reads, Stage
from catalogdb.schema import collections
from catalogdb.stages import registry
from catalogdb.stages.resolve import build_stage, pick_set_stages

PACKAGE = Path(registry.__file__).parents[1]
MAY_NAME = {PACKAGE / "jobs.py", PACKAGE / "stage_list.py"}
IN_THE_LEDGER = {*registry.names_in_order(), *registry.never_repeated()}


def test_stages_run_in_the_order_in_which_they_read():
    assert registry.names_in_order() == [
        *("ingest_stations", "ingest_waveforms", "ingest_catalog"),
        *("train", "pick", "associate", "locate", "relocate", "magnitude", "event_type", "assemble", "features"),
        "evaluate",
    ]


def test_job_files_name_every_stage_that_is_not_implied():
    named = [stage.name for stage in registry.stage_types() if not stage.is_implied]
    default = list(JobFile.model_fields["stages"].default)
    assert named == stage_list.names_in_jobs() and [name for name in named if name in default] == default
    assert list(PICKING_ALONE) == registry.makers("pick_set")


def test_blocks_of_job_files_are_those_of_stages():
    declared = {stage.name: stage.settings for stage in registry.run_stages() if stage.settings}
    fields = {name: JobFile.model_fields[name] for name in declared}
    assert {name: field.annotation for name, field in fields.items() if field.default} == {
        name: declared[name] for name in blocks()
    }
    assert set(declared) - set(blocks()) == {"evaluate"}, "how a catalog is judged decides nothing of it"
    assert fields["evaluate"].annotation == declared["evaluate"] | None
    assert JobFile.model_fields["ingest"].annotation == registry.stage_type("ingest_waveforms").settings | None


@pytest.mark.parametrize("stage", registry.stage_types(), ids=lambda stage: stage.name)
def test_collections_of_a_stage_have_schemas(stage):
    known = collections()
    assert {reads.collection for reads in stage.reads} | set(stage.written()) <= set(known)
    if issubclass(stage, FileStage):
        assert stage.states in known
    else:
        assert all({"task_id": 1} in [index.keys for index in known[name].indexes] for name in stage.collections)
        assert all({"catalog", "reference"} <= known[name].fields.keys() for name in stage.keeps)


def test_a_catalog_needs_the_stage_that_begins_it():
    chosen = [stage.name for stage in registry.stages_of(["associate", "magnitude"], "catalog")]
    assert chosen == ["associate", "magnitude", "assemble"]
    assert [stage.name for stage in registry.stages_of(["associate"], "catalog")] == ["associate", "assemble"]
    assert registry.stages_of(["pick", "magnitude"], "catalog") == []
    assert registry.makes(["pick"], "pick_set") and not registry.makes(["magnitude"], "catalog")


def test_a_kind_of_result_has_the_collections_of_its_stages():
    assert registry.outputs("model") == ("model_weights",)
    assert registry.outputs("pick_set") == ("pick", "peak", "probability", "detection")
    assert registry.outputs("catalog") == (
        "origin",
        "station_term",
        "differential_time",
        "magnitude",
        "event_type",
        "event",
        "feature_model",
        "feature",
        "fingerprint",
    )


def test_an_unknown_stage_is_named():
    with pytest.raises(InputError, match="no stage 'nosuch'"):
        registry.stage_type("nosuch")


def test_a_verb_is_that_of_the_stage_in_the_ledger():
    assert [registry.verb(name) for name in ("assemble", "ingest", "evaluate")] == ["assembled", "read", "compared"]
    assert registry.verb("of a package that is gone") == "made"


def test_what_runs_of_jobs_begin_with_is_planned_from_the_start():
    begin = [stage.name for stage in registry.run_stages() if registry.begins(object.__new__(stage))]
    assert begin == ["train", "pick"], "what files brought in is there before; of jobs it is picking alone"


class QualityStage(Stage):
    """One that adds to a pick set."""

    name, kind, reads, revision = "quality", "pick_set", (Reads("pick", "picks"),), 3
    read = process = None


def test_what_another_stage_adds_to_a_pick_set_decides_it():
    document = {"name": "a", "catalog": "a", "pick": {"picker": "stalta"}}
    alone = build_stage("pick", Job.model_validate(document))
    registry.register(QualityStage)
    try:
        assert build_stage("pick", Job.model_validate(document)).config_id == alone.config_id
        job = Job.model_validate(document | {"stages": ["pick", "quality"]})
        stages, (name,) = pick_set_stages(job)
    finally:
        registry.unregister("quality")
    assert [stage.name for stage in stages] == ["pick", "quality"] and name.config["quality"] == {"revision": 3}
    assert {stage.config_id for stage in stages} == {name.config_id} != {alone.config_id}


def names_of_stages(node):
    """Texts in a comparison, or in a value by the key `stage`, that are names of stages."""
    if isinstance(node, ast.Compare) and "stage" in ast.unparse(node):
        parts = [node]
    elif isinstance(node, ast.Dict):
        parts = [
            value for key, value in zip(node.keys, node.values, strict=True) if key and "stage" in ast.unparse(key)
        ]
    else:
        parts = []
    texts = {inner.value for part in parts for inner in ast.walk(part) if isinstance(inner, ast.Constant)}
    return texts & IN_THE_LEDGER


def test_code_asks_for_no_stage_by_name():
    own = {PACKAGE / "stages" / f"{name}.py" for name in stage_list.STAGES}
    for path in sorted({*PACKAGE.rglob("*.py")} - MAY_NAME - own):
        found = [name for node in ast.walk(ast.parse(path.read_text())) for name in names_of_stages(node)]
        assert found == [], f"{path.name} names {found}: let stages declare what it asks for"
    for name in ("pick", "ingest", "evaluate"):
        assert names_of_stages(ast.parse(f'job.stages == ("{name}",)', mode="eval").body) == {name}
