"""Bringing a stored comparison of two catalogs up to date."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.database import Database

from catalogdb.comparisons.compute import Computation
from catalogdb.comparisons.inputs import comparison_inputs
from catalogdb.comparisons.lease import ComparisonLease
from catalogdb.documents.free import Json
from catalogdb.documents.records import Catalog
from catalogdb.evaluation.gates import Gates
from catalogdb.identity import content_id


def comparison_id(catalog: str, reference: str, gates: Gates) -> str:
    """Identity of a comparison: the pair of names and the gates."""
    return content_id("comparison", catalog, reference, gates.document())


def compare(
    db: Database,
    catalog: Catalog,
    reference: Catalog,
    gates: Gates,
    period: tuple[float, float],
    refresh: bool = False,
) -> str:
    """Bring the stored comparison of two catalogs up to date; nothing is done where it is.

    What an earlier comparison of this pair and these gates left is replaced whole. Another process that wants the same
    comparison meanwhile waits for this one.

    Args:
        catalog, reference: documents of `catalog`.
        period: [start, end) in epoch seconds.
        refresh: compute again in any case.

    Returns:
        The comparison's `_id`.
    """
    identity = comparison_id(catalog["_id"], reference["_id"], gates)
    names = {"catalog": catalog["_id"], "reference": reference["_id"]}
    state: Json = {"period": {"starttime": period[0], "endtime": period[1]}}
    inputs = comparison_inputs(db, catalog, reference, period)
    state["fingerprint"] = content_id(inputs)
    current = None if refresh else state | {"status": "done"}
    pick_sets = {
        key: row["pick_set"]
        for key, row in (("pick_set", catalog), ("reference_pick_set", reference))
        if "pick_set" in row
    }
    lease = ComparisonLease(db, identity, names | pick_sets | {"gates": gates.document(), "inputs": inputs} | state)
    if lease.take(unless=current):
        try:
            with _no_search_for_cycles(), lease.kept():
                lease.done(*Computation(db, catalog, reference, gates, period, lease).run())
        except BaseException:
            lease.give_back()
            raise
    return identity


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Python looks for no cycles among millions of small documents, which have none: a fifth of the time went there."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
