"""Dictionaries whose keys no schema fixes. What is stored has a type in the other modules; these stand where it can't.

A `TypedDict` needs its keys while the program is read. Some are known only when it runs: fields that a user names, the
settings of any stage, what a query asks for. Each name here says which kind of that a dictionary is.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
"""An object of JSON that stands for itself: resolved settings and what identifies a result, and the answers of commands
(`--json`), whose keys their makers list."""

Query = dict[str, Any]
"""A filter, projection, stage of a pipeline or change for MongoDB: operators and dotted paths, at any depth."""

Row = dict[str, Any]
"""A row of a table for people or a file, by column; the table says which columns there are."""

AnyDocument = dict[str, Any]
"""A document of whichever collection, such as one that the caller names; what a projection leaves of one; and one in
the making, with None where a file says nothing."""
