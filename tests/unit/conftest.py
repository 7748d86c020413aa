"""Fixtures of unit tests."""

import pytest

from catalogdb.exchange.ogs.bulletin_txt import read_txt
from catalogdb.exchange.ogs.listing_hpl import read_hpl
from catalogdb.exchange.ogs.phases_dat import read_dat
from catalogdb.exchange.ogs.summary_pun import read_pun

pytest.register_assert_rewrite("ogs_documents", "quakeml_documents")

READERS = {".dat": read_dat, ".hpl": read_hpl, ".pun": read_pun, ".txt": read_txt}


@pytest.fixture
def read(tmp_path):
    """Read lines as a file of the bulletin, told by its suffix; the report's sums are always right."""

    def _read(suffix, *lines, end="\n", encoding="utf-8"):
        path = tmp_path / f"test{suffix}"
        path.write_bytes((end.join(lines) + end).encode(encoding))
        catalog = READERS[suffix](path)
        (report,) = catalog.files
        assert report.read == report.kept + report.rejected
        assert report.rejected == len(catalog.rejected) == len(report.rejected_lines)
        assert all(text.startswith(f"{path}: line ") for text in catalog.rejected)
        return catalog

    return _read
