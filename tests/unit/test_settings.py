"""Settings: file < environment < argument."""

import pytest

from catalogdb.errors import InputError
from catalogdb.settings import load_settings


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path):
    import os

    for name in [name for name in os.environ if name.startswith("CATALOGDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "catalogdb").mkdir()
    return tmp_path / "catalogdb" / "config.toml"


def test_argument_over_environment_over_file_over_default(own_environment, monkeypatch):
    assert load_settings({"database": "demo"}).database == "demo"
    own_environment.write_text('database = "from_file"\n')
    assert load_settings({"database": "demo"}).database == "from_file"
    monkeypatch.setenv("CATALOGDB_DATABASE", "from_environment")
    assert load_settings().database == "from_environment"
    assert load_settings(database="from_argument").database == "from_argument"
    assert load_settings(database=None).database == "from_environment"


def test_unknown_keys_of_the_file_are_refused(own_environment):
    own_environment.write_text('databse = "x"\n')
    with pytest.raises(InputError, match="databse"):
        load_settings()


def test_broken_file_is_named(own_environment):
    own_environment.write_text("database = \n")
    with pytest.raises(InputError, match=r"config\.toml"):
        load_settings()


def test_named_file_must_exist(monkeypatch, tmp_path):
    monkeypatch.setenv("CATALOGDB_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(InputError, match=r"none\.toml"):
        load_settings()


def test_the_uris_value_is_never_shown():
    with pytest.raises(InputError) as caught:
        load_settings(uri="http://me:secret-word@host")
    assert "secret-word" not in str(caught.value)
    assert "secret-word" not in repr(load_settings(uri="mongodb://me:secret-word@host"))
