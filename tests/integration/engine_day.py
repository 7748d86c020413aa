"""A small synthetic day and a quick job on it, by which engines are compared document for document."""

import uuid

from catalogdb.database.connection import connect, mspass_database
from catalogdb.database.initialise import initialise
from catalogdb.demo.dataset import write_demo_day
from catalogdb.jobs import load_job
from catalogdb.runs.run import run_job
from catalogdb.stages.ingest_catalog import ingest_catalog
from catalogdb.stages.ingest_stations import ingest_stations
from catalogdb.stages.ingest_waveforms import ingest_waveforms

STAGES = ("pick", "associate", "magnitude", "assemble")
JOB = """
name: engines
catalog: engines
pick: {picker: stalta, shard_hours: 1}
associate: {associator: pyocto, window_seconds: 900, min_picks: 4, min_p: 2, min_s: 0}
evaluate: {reference: truth}
"""


class EngineDay:
    """The day's files, and databases filled with them.

    Args:
        server: settings of the mongod to use.
        folder: where to write the files.
    """

    def __init__(self, server, folder):
        self.server = server
        self.made = []
        self.data = write_demo_day(folder, seed=7, duration_s=2 * 3600, stations=4, events=8)
        self.job_file = folder / "job.yaml"
        self.job_file.write_text(JOB)
        settings = self.filled()
        assert run_job(settings, self.job()).status == "done"
        self.by_local = made_by(settings)
        assert len(self.by_local["pick"]) > 20 and len(self.by_local["event"]) > 2

    def job(self, *overrides):
        return load_job(self.job_file, overrides)

    def filled(self):
        """Settings of a new database with the day's stations, true catalog and waveforms."""
        settings = self.server.model_copy(update={"database": f"test_{uuid.uuid4().hex[:12]}"})
        self.made.append(settings)
        db = connect(settings)
        initialise(db)
        ingest_stations(db, mspass_database(settings), [self.data.stations_path])
        ingest_catalog(db, [self.data.truth_path], "truth")
        ingest_waveforms(db, [self.data.waveforms_dir])
        return settings

    def drop(self):
        for settings in self.made:
            connect(settings).client.drop_database(settings.database)


def made_by(settings):
    """All that a catalog's users see, and the ledger without clocks."""
    db = connect(settings)
    names = ("pick", "peak", "probability", "origin", "magnitude", "event")
    found = {name: list(db[name].find().sort("_id")) for name in names}
    fields = {"fingerprint": 1, "status": 1, "counts": 1, "shard": 1}
    others = {"stage": {"$ne": "evaluate"}}  # its inputs say when the reference was ingested
    return found | {"task": list(db.task.find(others, fields).sort("_id"))}
