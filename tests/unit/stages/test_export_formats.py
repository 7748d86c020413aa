"""Which format a file or folder is written in, and what is said where nothing tells it."""

from pathlib import Path

import pytest

from catalogdb.errors import InputError
from catalogdb.exchange.formats import of_command
from catalogdb.stages.export import written_format
from catalogdb.stages.export_peers import peer_formats


@pytest.mark.parametrize("command", ["catalog", "picks"])
def test_a_folder_without_a_format_is_refused_with_all_of_them(command):
    with pytest.raises(InputError, match="no known format") as refused:
        written_format(command, Path("folder"), None)
    written = of_command(command, is_written=True)
    folders = [name for name, item in written.items() if item.is_folder]
    assert folders and refused.value.hint.endswith(f"; for a folder, --format with one of {', '.join(folders)}")
    assert all(name in refused.value.hint for name in written)


def test_all_folders_of_a_catalog_are_for_other_locators():
    assert {"nlloc-obs", "hypodd", "growclust"} <= peer_formats().keys()


def test_formats_without_folders_name_none():
    with pytest.raises(InputError) as refused:
        written_format("stations", Path("folder"), None)
    assert "folder" not in refused.value.hint
