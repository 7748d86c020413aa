"""The queries of docs/how-to/query-examples.md, read from the page: what is listed is what is measured and tested."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "query-examples.md"
SECTION = re.compile(r"^### (?P<title>.+?)\n(?P<body>.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"```js\n(?P<code>.*?)```", re.DOTALL)
CALL = re.compile(r"^db\.(?P<collection>\w+)\.(?P<method>find|countDocuments|aggregate)\(")
KEY = re.compile(r"([{,]\s*)([A-Za-z_$][\w.$]*)\s*:")
MOMENT = re.compile(r't\("([^"]+)"\)')


@dataclass(frozen=True)
class Query:
    """One listed query."""

    title: str
    collection: str
    method: str
    arguments: list[Any]
    sort: dict[str, int] | None = None
    limit: int | None = None

    def command(self) -> dict[str, Any]:
        """The database command that it is, for `explain`."""
        if self.method == "aggregate":
            return {"aggregate": self.collection, "pipeline": self.arguments[0], "cursor": {}}
        if self.method == "countDocuments":
            pipeline = [{"$match": self.arguments[0]}, {"$group": {"_id": 1, "n": {"$sum": 1}}}]
            return {"aggregate": self.collection, "pipeline": pipeline, "cursor": {}}
        command: dict[str, Any] = {"find": self.collection, "filter": self.arguments[0]}
        if len(self.arguments) > 1:
            command["projection"] = self.arguments[1]
        return command | {name: value for name, value in (("sort", self.sort), ("limit", self.limit)) if value}


def listed() -> list[Query]:
    """All queries of the page.

    Raises:
        ValueError: for one that is not of the forms that are read here.
    """
    queries = []
    for section in SECTION.finditer(PAGE.read_text()):
        block = BLOCK.search(section["body"])
        if block is None:
            raise ValueError(f"{section['title']}: no query")
        queries.append(_parsed(section["title"], block["code"].strip()))
    return queries


def run(db: Any, query: Query) -> list[Any]:
    """All documents that it gives."""
    if query.method == "countDocuments":
        return [db[query.collection].count_documents(query.arguments[0])]
    if query.method == "aggregate":
        return list(db[query.collection].aggregate(query.arguments[0]))
    cursor = db[query.collection].find(*query.arguments)
    if query.sort:
        cursor = cursor.sort(list(query.sort.items()))
    return list(cursor.limit(query.limit) if query.limit else cursor)


def _parsed(title: str, code: str) -> Query:
    call = CALL.match(code)
    if call is None:
        raise ValueError(f"{title}: not a find, countDocuments or aggregate")
    arguments, rest = _arguments(code[call.end() :])
    query: dict[str, Any] = {"title": title, "collection": call["collection"], "method": call["method"]}
    while rest:
        follows = re.match(r"\.(sort|limit)\(", rest)
        if follows is None:
            raise ValueError(f"{title}: {rest!r} is not understood")
        (value,), rest = _arguments(rest[follows.end() :])
        query[follows[1]] = value
    return Query(arguments=arguments, **query)


def _arguments(text: str) -> tuple[list[Any], str]:
    """The arguments up to the closing bracket, and what follows it."""
    depth, quoted = 1, False
    for at, character in enumerate(text):
        quoted ^= character == '"'
        depth += 0 if quoted else (character in "([{") - (character in ")]}")
        if depth == 0:
            return _json(f"[{text[:at]}]"), text[at + 1 :].strip()
    raise ValueError(f"{text!r}: no closing bracket")


def _json(text: str) -> list[Any]:
    text = MOMENT.sub(lambda match: str(datetime.fromisoformat(match[1]).timestamp()), text)
    return json.loads(KEY.sub(r'\1"\2":', text))
