"""The schema files."""

import pytest

from catalogdb.schema import collections, mspass_schema, views


def test_every_collection_says_what_it_is():
    assert {"wf_miniseed", "site", "pick", "origin", "event", "task"} <= set(collections())
    for schema in collections().values():
        assert schema.concept and schema.identity
        assert "_id" in schema.fields


@pytest.mark.parametrize("name", list(collections()))
def test_indexes_are_on_fields_that_exist(name):
    schema = collections()[name]
    for index in schema.indexes:
        for key in index.keys:
            assert key.split(".")[0] in schema.fields


def test_views_read_collections_that_exist():
    assert views()
    for view in views().values():
        assert view.on in collections()
        assert view.concept


def test_schema_is_merged_onto_mspass():
    merged = mspass_schema()
    assert "wf_TimeSeries" in merged["Database"]
    assert merged["Database"]["pick"]["schema"]["time"]["type"] == "double"
    assert "file_id" in merged["Database"]["wf_miniseed"]["schema"]


def test_mspass_accepts_the_merged_schema(tmp_path):
    import yaml
    from mspasspy.db.schema import DatabaseSchema

    path = tmp_path / "schema.yaml"
    path.write_text(yaml.safe_dump(mspass_schema()))
    assert DatabaseSchema(str(path))["pick"].type("probability") is float
