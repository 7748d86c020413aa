"""What is said where no result has a name."""

import pytest
from catalogs import put_catalog

from catalogdb.database.named import require_catalog, require_model
from catalogdb.errors import InputError

pytestmark = pytest.mark.integration


def test_an_unknown_name_is_answered_with_those_there_are(db):
    for name in ("b", "a"):
        put_catalog(db, name, [(0, 46, 13, 5.0, 1.0)], [])
    with pytest.raises(InputError, match=f"no catalog 'c' in database '{db.name}'") as caught:
        require_catalog(db, "c")
    assert caught.value.hint == "there are: a, b"


def test_where_there_are_none_another_database_is_offered(db):
    with pytest.raises(InputError, match="no model 'mine'") as caught:
        require_model(db, "mine")
    assert "none" in caught.value.hint and "--database" in caught.value.hint
