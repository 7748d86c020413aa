"""A training of the command line that is killed with kill -9 once it has a checkpoint."""

import subprocess
import sys
import time

import yaml
from commands import environment_of


def train_until_killed(db, settings, config, file, epoch):
    """Write the training to a file, train, and kill it after a checkpoint of `epoch` or a later one.

    Returns:
        Epoch of the newest checkpoint.
    """
    file.write_text(yaml.safe_dump(config.model_dump(mode="json", exclude_defaults=True)))
    command = [sys.executable, "-m", "catalogdb", "train", str(file)]
    process = subprocess.Popen(command, env=environment_of(settings), stdout=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not db.checkpoints.files.find_one({"metadata.epoch": {"$gte": epoch}}) and time.monotonic() < until:
        time.sleep(0.01)
    process.kill()
    process.wait()
    return db.checkpoints.files.find_one({}, sort=[("metadata.epoch", -1)])["metadata"]["epoch"]
