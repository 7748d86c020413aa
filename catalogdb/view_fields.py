"""The fields of a view and their types, followed from its collection's schema through the stages of its pipeline."""

from __future__ import annotations

from typing import Any

from catalogdb.schema import SchemaField, ViewSchema, collections

# name -> the field, the fields of an object, or None where the type isn't known
Fields = dict[str, Any]

DATE = SchemaField(type="date", concept="Made by the view.")
TEXT = SchemaField(type="string", concept="Made by the view.")
NUMBER = SchemaField(type="double", concept="Made by the view.")
COUNT = SchemaField(type="int", concept="Made by the view.")
OPERATOR_TYPES = {
    "$toDate": DATE,
    "$dateToString": TEXT,
    "$concat": TEXT,
    "$sum": NUMBER,
    "$rank": COUNT,
    "$size": COUNT,
    "$avg": NUMBER,
    "$subtract": NUMBER,
    "$multiply": NUMBER,
}
PICKING = ("$first", "$last", "$min", "$max")  # accumulators whose result is of their argument's type


def fields_of_collection(name: str) -> Fields:
    """The fields that a collection's schema names."""
    return dict(collections()[name].fields)


def fields_of_view(view: ViewSchema) -> Fields:
    """The fields that a view's documents have."""
    fields = fields_of_collection(view.on)
    for stage in view.pipeline:
        ((operator, body),) = stage.items()
        if operator == "$project":
            kept = {key: value for key, value in body.items() if value not in (0, False)}
            identity = {"_id": fields.get("_id")} if body.get("_id", 1) else {}
            fields = identity | {key: _result(fields, key, value) for key, value in kept.items()}
        elif operator == "$group":
            fields = {key: _result(fields, key, value) for key, value in body.items()}
        elif operator in ("$set", "$addFields"):
            fields = fields | {key: _result(fields, key, value) for key, value in body.items()}
        elif operator == "$setWindowFields":
            fields = fields | {key: _result(fields, key, value) for key, value in body["output"].items()}
        elif operator == "$lookup":
            fields = fields | {body["as"]: None}
        elif operator == "$replaceRoot":
            fields = fields_of_collection(view.on)  # of the views kept here, to the collection's own documents
    return fields | view.fields


def is_time(key: str, field: SchemaField | None) -> bool:
    """Whether a field holds a point in time: a date, or epoch seconds UTC by its unit and name."""
    if field is None:
        return False
    return field.type == "date" or (field.type == "double" and field.unit == "s" and key.endswith("time"))


def field_at(fields: Fields, key: str) -> SchemaField | None:
    """The field that a dotted path leads to; None where its type isn't known. Positions in arrays count for nothing."""
    found: Any = fields
    for part in key.split("."):
        if part.isdigit():
            continue
        inner = found.fields if isinstance(found, SchemaField) else found
        found = (inner or {}).get(part)
    return found if isinstance(found, SchemaField) else None


def _result(fields: Fields, key: str, expression: Any) -> Any:
    if expression in (1, True):
        return fields.get(key)
    if isinstance(expression, str) and expression.startswith("$"):
        path = expression[1:]
        return fields.get(path) if path in fields else field_at(fields, path)
    if not isinstance(expression, dict):
        return None
    operator = next(iter(expression), "")
    if operator in PICKING:
        return _result(fields, key, expression[operator])
    if operator == "$sum" and isinstance(expression[operator], int):
        return COUNT
    if operator.startswith("$"):
        return OPERATOR_TYPES.get(operator)
    return {name: _result(fields, name, value) for name, value in expression.items()}
