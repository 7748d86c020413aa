"""A small synthetic day and a quick job on it, by which engines are compared document for document."""

from databases import copy_documents, result_collections

from catalogdb.database.connection import connect, mspass_database
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
        databases: where databases come from.
        folder: where to write the files.

    Attributes:
        local: settings of a database with what the local engine makes of the day; left as it is.
        made: settings of those handed out.
    """

    def __init__(self, databases, folder):
        self._databases = databases
        self.made = []
        self.data = write_demo_day(folder, seed=7, duration_s=2 * 3600, stations=4, events=8)
        self.job_file = folder / "job.yaml"
        self.job_file.write_text(JOB)
        self._ingested = self._with_files()
        self.local = self.copy_of(self._ingested)
        assert run_job(self.local, self.job()).status == "done"
        self.by_local = made_by(self.local)
        assert len(self.by_local["pick"]) > 20 and len(self.by_local["event"]) > 2

    def job(self, *overrides):
        return load_job(self.job_file, overrides)

    def filled(self):
        """Settings of a new database with the day's stations, true catalog and waveforms."""
        return self.copy_of(self._ingested)

    def copy_of(self, settings):
        """Settings of a new database with the documents of another one."""
        own = self._databases.take()
        copy_documents(settings, own)
        self.made.append(own)
        return own

    def give_back(self, kept):
        """Give back the databases that were handed out after the first `kept` ones."""
        while len(self.made) > kept:
            self._databases.give_back(self.made.pop())

    def _with_files(self):
        settings = self._databases.take()
        db = connect(settings)
        ingest_stations(db, mspass_database(settings), [self.data.stations_path])
        ingest_catalog(db, [self.data.truth_path], "truth")
        ingest_waveforms(db, [self.data.waveforms_dir])
        return settings


def made_by(settings):
    """All that a catalog's users see, and the ledger without clocks."""
    db = connect(settings)
    found = {name: list(db[name].find().sort("_id")) for name in result_collections()}
    fields = {"fingerprint": 1, "status": 1, "counts": 1, "shard": 1}
    others = {"stage": {"$ne": "evaluate"}}  # its inputs say when the reference was ingested
    return found | {"task": list(db.task.find(others, fields).sort("_id"))}
