"""SAC and GSE2 beside miniSEED in one archive: indexed, and read back as one stream."""

import numpy as np
import obspy

from catalogdb.api.objects import waveforms
from catalogdb.stages.ingest_waveforms import ingest_waveforms

START = obspy.UTCDateTime("2024-03-27T01:00:00")


def trace(channel, start, kind):
    header = {"network": "OX", "station": "BAD", "channel": channel, "sampling_rate": 50.0, "starttime": start}
    return obspy.Trace(np.arange(1000).astype(kind), header)


def test_files_of_several_formats_make_one_archive(db, tmp_path):
    archive = tmp_path / "archive"
    archive.mkdir()
    trace("HHZ", START, "float32").write(str(archive / "a.sac"), format="SAC")
    trace("HHN", START, "int32").write(str(archive / "b.z"), format="GSE2")  # an ending that GSE2 files have
    trace("HHE", START, "int32").write(str(archive / "c.mseed"), format="MSEED")
    (archive / "notes").write_text("field notes\n")
    summary = ingest_waveforms(db, [archive])
    assert (summary.files, summary.unreadable, summary.segments) == (4, 1, 3)
    found = waveforms(db, "*.BAD", "HH?", START.timestamp, START.timestamp + 10)
    assert sorted(one.stats.channel for one in found) == ["HHE", "HHN", "HHZ"]
    assert all(one.stats.starttime == START and one.data.tolist() == list(range(501)) for one in found)
    assert {row["format"] for row in db.wf_miniseed.find()} == {"mseed", "SAC", "GSE2"}
    again = ingest_waveforms(db, [archive])
    assert again.segments == 0 or again.model_dump().get("new", 0) == 0
    rows = list(db.wf_miniseed.find({"dfile": "a.sac"}))
    trace("HHZ", START + 3600, "float32").write(str(archive / "a.sac"), format="SAC")
    ingest_waveforms(db, [archive])
    (row,) = db.wf_miniseed.find({"dfile": "a.sac"})
    assert row["starttime"] == rows[0]["starttime"] + 3600
