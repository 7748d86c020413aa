"""Files of trainings: read as files of jobs are, with errors of their own."""

from pathlib import Path

import pytest
import yaml

from catalogdb.errors import InputError
from catalogdb.stages.training_run import load_training


def test_keys_that_do_not_fit_together_name_no_job(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({"name": "mine", "training_set": "labels", "task": "pretrain"}))
    with pytest.raises(InputError) as caught:
        load_training(file)
    assert str(caught.value) == f"{file}: task pretrain is SeisLM's; picker: seislm, not phasenet"


def test_an_unknown_training_names_the_packaged_ones():
    with pytest.raises(InputError, match="no such training file") as caught:
        load_training(Path("nothing"))
    packaged = (caught.value.hint or "").removeprefix("a path, or one of ").split(", ")
    assert packaged and all(load_training(Path(name)).name for name in packaged)


def test_a_file_without_keys_is_no_training(tmp_path):
    file = tmp_path / "list.yaml"
    file.write_text("- mine\n")
    with pytest.raises(InputError, match="not a training: the file holds no keys"):
        load_training(file)
