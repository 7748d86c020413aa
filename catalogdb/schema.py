"""The stored schema: `schemas/*.yaml` -> MsPASS schema, validators and indexes; `schemas/views/*.json` -> views."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError

from catalogdb.documents.free import AnyDocument, Json, Query
from catalogdb.errors import InputError
from catalogdb.identity import content_id
from catalogdb.resources import resource_folder
from catalogdb.strict_model import StrictModel

# YAML type -> (BSON types that the validator takes, MsPASS's name of the type; MsPASS has none for dates)
TYPES: dict[str, tuple[list[str], str | None]] = {
    "string": (["string"], "string"),
    "double": (["double", "int", "long"], "double"),
    "int": (["int", "long"], "int"),
    "bool": (["bool"], "bool"),
    "date": (["date"], None),
    "objectid": (["objectId"], "ObjectID"),
    "object": (["object"], "dict"),
    "array": (["array"], "list"),
    "binary": (["binData"], "bytes"),
}


class SchemaField(StrictModel):
    """One field of a document."""

    type: Literal["string", "double", "int", "bool", "date", "objectid", "object", "array", "binary"]
    concept: str = Field(description="What the field means.")
    required: bool = False
    unit: str | None = None
    enum: list[str] | None = None
    fields: dict[str, SchemaField] | None = Field(None, description="Fields of an object, or of an array's items.")

    def json_schema(self) -> Json:
        """MongoDB `$jsonSchema` of the field; null is refused: a field that is not known is not written."""
        schema: Json = {"bsonType": TYPES[self.type][0], "description": self.concept}
        if self.enum:
            schema["enum"] = self.enum
        if self.fields:
            inner = _object_schema(self.fields)
            if self.type == "array":
                schema["items"] = {"bsonType": "object", **inner}
            else:
                schema |= inner
        return schema


class SchemaIndex(StrictModel):
    """One index of a collection."""

    keys: dict[str, int | str]
    unique: bool = False
    only_with: str | None = Field(None, description="It holds just the documents that have this field.")


class CollectionSchema(StrictModel):
    """One collection, as its YAML file describes it."""

    collection: str
    concept: str
    identity: str
    owner: Literal["catalogdb", "mspass"] = Field(
        "catalogdb", description="MsPASS's own collections take its extra keys."
    )
    fields: dict[str, SchemaField]
    indexes: list[SchemaIndex] = []

    @property
    def schema_id(self) -> str:
        """Content id of the whole schema; a change of it is a migration."""
        return content_id(self.model_dump())

    def validator(self) -> Json:
        """`$jsonSchema` validator; our own collections refuse unknown fields, MsPASS's take them."""
        schema = {"bsonType": "object", **_object_schema(self.fields)}
        if self.owner == "catalogdb":
            schema["additionalProperties"] = False
        return {"$jsonSchema": schema}


class ViewSchema(StrictModel):
    """One query kept as a file: a view of the database, or, with parameters, a pipeline to be filled in."""

    name: str
    on: str
    concept: str
    parameters: Json = {}
    columns: list[str] = Field([], description="Fields that a table of it shows; none: all that are plain values.")
    fields: dict[str, SchemaField] = Field(
        {}, description="Fields that the pipeline makes, where they can't be followed from the collection's schema."
    )
    span: str | None = Field(
        None,
        description="Field that holds UTC days: those that a question bounds go into its pipeline as numbers of days "
        "since 1970, `span.first` and `span.last` of each document.",
    )
    pipeline: list[Query]

    @property
    def schema_id(self) -> str:
        """Content id of the view; descriptions of its fields are not stored with it."""
        return content_id(self.model_dump(exclude={"fields", "span"}))


def _object_schema(fields: dict[str, SchemaField]) -> AnyDocument:
    schema: Json = {"properties": {name: field.json_schema() for name, field in fields.items()}}
    if required := [name for name, field in fields.items() if field.required]:
        schema["required"] = required
    return schema


@cache
def collections() -> dict[str, CollectionSchema]:
    """All collections by name.

    Raises:
        InputError: naming the YAML file that is not a collection schema.
    """
    found = {}
    for path in sorted(resource_folder("schemas").glob("*.yaml")):
        schema = _load(path, _parse, CollectionSchema)
        if schema.collection != path.stem:
            raise InputError(f"{path}: describes collection {schema.collection!r}, which is not the file's name")
        found[schema.collection] = schema
    return found


@cache
def views() -> dict[str, ViewSchema]:
    """All queries kept in `schemas/views/`, by name."""
    found = {}
    for path in sorted((resource_folder("schemas") / "views").glob("*.json")):
        view = _load(path, json.loads, ViewSchema)
        if view.name != path.stem:
            raise InputError(f"{path}: describes view {view.name!r}, which is not the file's name")
        found[view.name] = view
    return found


def _parse(text: str) -> Any:
    """Packaged files by libyaml where it is there, which takes a tenth of the time."""
    return yaml.load(text, Loader=yaml.CSafeLoader) if yaml.__with_libyaml__ else yaml.safe_load(text)


def _load(path: Path, parse: Any, model: type[BaseModel]) -> Any:
    try:
        return model.model_validate(parse(path.read_text()))
    except (ValidationError, yaml.YAMLError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: {error}") from error


def mspass_schema_file() -> Path:
    """The schema that MsPASS comes with."""
    import mspasspy

    return Path(mspasspy.__file__).parent / "data" / "yaml" / "mspass.yaml"


def mspass_schema() -> Json:
    """MsPASS's own schema with our collections merged onto it, as its `DatabaseSchema` and `MetadataSchema` read it.

    Source: the packaged `mspass.yaml`; its loader wants a `Database` and a `Metadata` section.
    """
    merged = _parse(mspass_schema_file().read_text())
    for name, collection in collections().items():
        target = merged["Database"].setdefault(name, {"schema": {}})
        fields = target.setdefault("schema", {})
        for key, field in collection.fields.items():
            kind = TYPES[field.type][1]
            if key not in fields and kind:
                constraint = "required" if field.required else "optional"
                fields[key] = {"type": kind, "concept": field.concept, "constraint": constraint}
    return merged
