"""Writing a comparison's documents while the next ones are computed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from pymongo.collection import Collection
from pymongo.write_concern import WriteConcern

from catalogdb.comparisons.lease import ComparisonLease
from catalogdb.documents.free import AnyDocument

WRITERS = 2
WRITES_AHEAD = 3
DOCUMENTS_PER_WRITE = 5000


class Writer:
    """Inserts documents in threads of its own, a few writes ahead, while the next ones are computed.

    Writes are not waited for until the majority has them: the one that marks the comparison as done comes after all of
    them and is.
    """

    def __init__(self, lease: ComparisonLease):
        self._lease = lease
        self._threads = ThreadPoolExecutor(WRITERS)
        self._underway: deque[Future] = deque()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        try:
            while self._underway and kind is None:
                self._underway.popleft().result()
        finally:
            self._threads.shutdown(cancel_futures=True)

    def write(self, collection: Collection, documents: Iterable[AnyDocument]) -> None:
        """Hand over documents; waits when too many are underway."""
        for part in _in_parts(documents, DOCUMENTS_PER_WRITE):
            while len(self._underway) >= WRITES_AHEAD:
                self._underway.popleft().result()
            self._lease.confirm()
            unwaited = collection.with_options(write_concern=WriteConcern(w=1))
            self._underway.append(self._threads.submit(unwaited.insert_many, part, ordered=False))


def _in_parts(documents: Iterable[AnyDocument], size: int) -> Iterator[list[AnyDocument]]:
    part: list[AnyDocument] = []
    for document in documents:
        part.append(document)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
