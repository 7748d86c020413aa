"""What is said where no result has a name."""

import pytest

from catalogdb.database.named import require_catalog, require_model
from catalogdb.errors import InputError

pytestmark = pytest.mark.integration


def test_an_unknown_name_is_answered_with_those_there_are(db):
    db.catalog.insert_many([{"_id": "b"}, {"_id": "a"}])
    with pytest.raises(InputError, match=f"no catalog 'c' in database '{db.name}'") as caught:
        require_catalog(db, "c")
    assert caught.value.hint == "there are: a, b"


def test_where_there_are_none_another_database_is_offered(db):
    with pytest.raises(InputError, match="no model 'mine'") as caught:
        require_model(db, "mine")
    assert "none" in caught.value.hint and "--database" in caught.value.hint
