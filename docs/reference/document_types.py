"""`schemas/*.yaml` -> `catalogdb/documents/`: typed dictionaries for the documents of each collection.

`python docs/reference/generate.py` writes the files; a test fails where they say something else than the schemas.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from catalogdb.schema import CollectionSchema, SchemaField, collections

FOLDER = Path(__file__).parents[2] / "catalogdb" / "documents"
MODULES = {
    "archive": "the index of waveforms, stations and channels",
    "data": "what stages make: picks, origins, events",
    "comparisons": "comparisons, event by event and pick by pick",
    "records": "names, the ledger, runs and schedules",
}
HEADER = '''"""Types of documents: {concept}.

Made by `python docs/reference/generate.py` from `schemas/*.yaml`, which say more of every field. A field that is
not known is not there (`NotRequired`), and never None.{more}
"""

from __future__ import annotations

{datetime}from typing import Any, Literal, NotRequired, TypedDict
{json}'''
MORE = """ Types named `...Fields` are what
science makes: documents before the fields are added that they are stored with."""
OF_DRAFTS = """ `...Draft` is one in the
making, with None for what is not known."""
TYPES = {
    "string": "str",
    "double": "float",
    "int": "int",
    "bool": "bool",
    "date": "datetime",
    "objectid": "Any",
    "object": "Json",
    "array": "list[Any]",
    "binary": "bytes",
}
STORED_WITH = ("_id", "pick_set", "catalog", "config_id", "task_id")
OF_A_SENSOR = ("channel_group", "net", "sta", "loc")
OF_A_COMPARISON = ("_id", "comparison", "catalog", "reference", "gates", "max_dt", "max_km", "max_pick_dt")
DRAFTS = ("event", "magnitude", "origin", "pick")
"""Collections of which readers of files make documents, with None for what a file does not say."""
OF_THE_INDEX = ("_id", "file_id", "content", "extent", "extent_number")
OF_A_COLLECTION = re.compile(r"as in the (\w+) collection")
WIDTH = 120

Fields = Mapping[str, SchemaField]


def document_types() -> dict[Path, str]:
    """The text of each module of `catalogdb/documents/`."""
    parts: dict[str, list[CollectionSchema]] = {name: [] for name in MODULES}
    for schema in collections().values():
        parts[_module_of(schema)].append(schema)
    return {FOLDER / f"{name}.py": _module(name, schemas) for name, schemas in parts.items()}


def _module_of(schema: CollectionSchema) -> str:
    if schema.owner == "mspass" or schema.collection == "wf_file":
        return "archive"
    if "task_id" in schema.fields:
        return "data"
    return "comparisons" if schema.collection == "comparison" or "comparison" in schema.fields else "records"


def _module(name: str, schemas: list[CollectionSchema]) -> str:
    enums = _Enums(schemas)
    named = [match[1] for schema in schemas for field in schema.fields.values() if (match := _of_collection(field))]
    in_order = sorted(schemas, key=lambda schema: schema.collection not in named)  # those that others name come first
    classes = [text for schema in in_order for text in _classes(schema, enums)]
    has_json = any("Json" in text for text in classes)
    has_dates = any("datetime" in text for text in classes)
    head = HEADER.format(
        concept=MODULES[name],
        more=(MORE if any("Fields(" in text for text in classes) else "")
        + (OF_DRAFTS if any("Draft(" in text for text in classes) else ""),
        json="\nfrom catalogdb.documents.free import Json\n" if has_json else "",
        datetime="from datetime import datetime\n" if has_dates else "",
    )
    return "\n\n".join([head + "\n" + "".join(enums.lines()), *(f"{text}\n" for text in classes)]).rstrip() + "\n"


class _Enums:
    """Names for the values that fields may have: the field's own, with the collection's before it where they differ."""

    def __init__(self, schemas: Iterable[CollectionSchema]):
        self.of_key: dict[str, list[tuple[str, list[str]]]] = {}
        for schema in schemas:
            for key, field in schema.fields.items():
                if field.enum:
                    self.of_key.setdefault(key, []).append((_camel(schema.collection), field.enum))

    def name(self, key: str, prefix: str) -> str:
        same = all(values == self.of_key[key][0][1] for _, values in self.of_key[key])
        return _camel(key) if same else prefix + _camel(key)

    def lines(self) -> Iterator[str]:
        found = {self.name(key, prefix): values for key, items in self.of_key.items() for prefix, values in items}
        for name, values in sorted(found.items()):
            quoted = [f'"{value}"' for value in values]
            line = f"{name} = Literal[{', '.join(quoted)}]\n"
            many = "".join(f"    {value},\n" for value in quoted)
            yield line if len(line) <= WIDTH else f"{name} = Literal[\n{many}]\n"


def _classes(schema: CollectionSchema, enums: _Enums) -> Iterator[str]:
    """The classes of a collection: those of its inner objects, of what science makes of it, and of what is stored."""
    name = _camel(schema.collection)
    for key, field in schema.fields.items():
        if field.fields:
            yield _class(_inner_name(name, key, field), "TypedDict", field.concept, field.fields, name, enums)
            if schema.collection == "origin":  # arrivals
                yield _draft(_inner_name(name, key, field), field.fields, name, enums)
    if "task_id" in schema.fields:
        is_of_a_sensor = {"pick_set", "channel_group", "starttime"} <= schema.fields.keys()  # science has one at a time
        added = STORED_WITH + (OF_A_SENSOR if is_of_a_sensor else ())
    elif "comparison" in schema.fields:
        added = OF_A_COMPARISON
    elif schema.collection == "wf_miniseed":
        added = OF_THE_INDEX
    else:
        yield _class(name, "TypedDict", schema.concept, schema.fields, name, enums)
        return
    stored = {key: field for key, field in schema.fields.items() if key in added or _is_content_id(field)}
    own = {key: field for key, field in schema.fields.items() if key not in stored}
    yield _class(f"{name}Fields", "TypedDict", schema.concept, own, name, enums)
    if schema.collection in DRAFTS:
        yield _draft(name, {key: schema.fields[key] for key in ("_id", *own)}, name, enums)
    yield _class(name, f"{name}Fields", f"The same as it is stored in `{schema.collection}`", stored, name, enums)


def _is_content_id(field: SchemaField) -> bool:
    """True for identities, which hold the config_id: the stage or the ledger's writer adds them, as it does names."""
    return "content id of" in field.concept.lower()


def _class(name: str, base: str, concept: str, fields: Fields, prefix: str, enums: _Enums) -> str:
    concept = _shortened(_first_sentence(concept), WIDTH - 11)
    lines = [f'    """{concept}."""', "", *(_line(key, field, prefix, enums) for key, field in fields.items())]
    return "\n".join([f"class {name}({base}):", *lines])


def _draft(name: str, fields: Fields, prefix: str, enums: _Enums) -> str:
    lines = [f"    {key}: {_kind(key, field, prefix, enums)} | None" for key, field in fields.items()]
    return "\n".join([f"class {name}Draft(TypedDict, total=False):", f'    """`{name}` in the making."""', "", *lines])


def _kind(key: str, field: SchemaField, prefix: str, enums: _Enums) -> str:
    return enums.name(key, prefix) if field.enum else _type(key, field, prefix)


def _line(key: str, field: SchemaField, prefix: str, enums: _Enums) -> str:
    kind = _kind(key, field, prefix, enums)
    is_there = field.required and field.type != "objectid"  # MongoDB gives it where the document has none
    code = f"    {key}: {kind if is_there else f'NotRequired[{kind}]'}"
    unit = f"{field.unit}: " if field.unit else ""
    return _shortened(f"{code}  # {unit}{_first_sentence(field.concept)}", WIDTH)


def _type(key: str, field: SchemaField, prefix: str) -> str:
    inner = _inner_name(prefix, key, field) if field.fields else None
    if field.type == "array" and (match := _of_collection(field)):
        inner = _camel(match[1])
    return f"list[{inner}]" if inner and field.type == "array" else inner or TYPES[field.type]


def _of_collection(field: SchemaField) -> re.Match[str] | None:
    return OF_A_COLLECTION.search(field.concept)


def _inner_name(prefix: str, key: str, field: SchemaField) -> str:
    """`OriginArrival` for an entry of `arrivals` in `origin`."""
    return prefix + _camel(key.removesuffix("s") if field.type == "array" else key)


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _first_sentence(text: str) -> str:
    return re.split(r"(?<!\.)[.;:]\s", text, maxsplit=1)[0].rstrip(" ,.")


def _shortened(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 4].rpartition(" ")[0].rstrip(" ,;(") + " ..."
