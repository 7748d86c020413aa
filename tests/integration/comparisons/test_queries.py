"""The queries that the documentation lists: each answers, and is served by an index."""

import pytest

from benchmarks._queries import listed, run
from benchmarks.evaluation import CATALOG, REFERENCE, Maker, fill
from catalogdb.comparisons import evaluate
from catalogdb.database.connection import connect
from catalogdb.database.initialise import initialise

SERVED = {"IXSCAN", "IDHACK", "COUNT_SCAN", "DISTINCT_SCAN", "EXPRESS_IXSCAN", "EXPRESS_IDHACK"}
QUERIES = {query.title: query for query in listed()}


@pytest.fixture(scope="module")
def filled(server):
    settings = server.model_copy(update={"database": "test_queries"})
    db = connect(settings)
    initialise(db)
    fill(db, 4000)
    evaluate(db, CATALOG, REFERENCE)
    yield db
    db.client.drop_database("test_queries")


def steps(plan):
    """Names of the steps of a plan that read documents, wherever they stand."""
    if isinstance(plan, dict):
        own = {plan["stage"]} if isinstance(plan.get("stage"), str) else set()
        # plans that were considered and not chosen do not count
        return own.union(*(steps(value) for key, value in plan.items() if key != "rejectedPlans"))
    return set().union(*map(steps, plan)) if isinstance(plan, list) else set()


def test_there_are_fifty():
    assert len(QUERIES) >= 50


@pytest.mark.parametrize("title", QUERIES)
def test_listed_query_uses_an_index(filled, title):
    query = QUERIES[title]
    found = steps(filled.command("explain", query.command(), verbosity="queryPlanner"))
    assert "COLLSCAN" not in found and found & SERVED, f"{title}: {sorted(found)}"
    assert isinstance(run(filled, query), list)


def test_the_benchmarks_documents_are_as_the_validators_want_them(db):
    for name, documents in Maker().slice(1.71e9, 1.7101e9, 400).items():
        assert len(db[name].insert_many(documents).inserted_ids) == len(documents) > 10
