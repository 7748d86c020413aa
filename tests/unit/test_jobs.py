"""Job files: strict, overridable, and clear about what is wrong."""

import pytest
from rate_stage import RateStage

from catalogdb.errors import InputError
from catalogdb.jobs import StationSelection, load_job, load_job_file, packaged_jobs
from catalogdb.stages import registry

MINIMAL = "name: small\ncatalog: small\n"


@pytest.fixture
def job_file(tmp_path):
    def write(text):
        path = tmp_path / "job.yaml"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("path", packaged_jobs(), ids=lambda path: path.stem)
def test_packaged_jobs_are_valid_and_named_as_their_file(path):
    assert load_job_file(path).name == path.stem


def test_packaged_jobs_are_found_by_name():
    from pathlib import Path

    assert load_job(Path("demo")).catalog == "demo"


def test_pick_set_has_the_catalogs_name_by_default(job_file):
    assert load_job(job_file(MINIMAL)).pick_set_name == "small"
    assert load_job(job_file(MINIMAL + "pick_set: shared\n")).pick_set_name == "shared"


def test_overrides_reach_nested_keys(job_file):
    job = load_job(job_file(MINIMAL), ["pick.p_threshold=0.2", "associate.gamma.max_sigma11=1.5", "catalog=other"])
    assert job.pick.p_threshold == 0.2
    assert job.associate.gamma.max_sigma11 == 1.5
    assert job.catalog == "other"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MINIMAL + "colour: red\n", "colour: unknown key"),
        (MINIMAL + "pick: {p_treshold: 0.3}\n", "pick.p_treshold: unknown key"),
        (MINIMAL + "associate: {gamma: {covariance_prior_pre: 5}}\n", "covariance_prior_pre: unknown key"),
        (MINIMAL + "pick: {p_threshold: 3}\n", "pick.p_threshold"),
        (MINIMAL + "pick: {shard_hours: 5}\n", "must divide 24"),
        (MINIMAL + "period: {starttime: 2024-01-02, endtime: 2024-01-01}\n", "not after starttime"),
        ("catalog: small\n", "name: missing"),
        ("- a\n- b\n", "not a job"),
        ("name: [\n", "not readable YAML"),
        ("name: a b\ncatalog: x\n", "name"),
    ],
)
def test_what_is_wrong_is_said(job_file, text, said):
    with pytest.raises(InputError) as caught:
        load_job(job_file(text))
    assert said in str(caught.value)
    assert "job.yaml" in str(caught.value)


def test_wrong_overrides_are_refused(job_file):
    path = job_file(MINIMAL)
    with pytest.raises(InputError, match="key=value"):
        load_job(path, ["pick.p_threshold"])
    with pytest.raises(InputError, match="unknown key"):
        load_job(path, ["pick.nothing=1"])
    with pytest.raises(InputError, match="is a value"):
        load_job(path, ["name.x=1"])


@pytest.fixture
def rate_registered():
    registry.register(RateStage)
    yield
    registry.unregister(RateStage.name)


def test_block_of_an_added_stage_that_nothing_runs_is_refused(job_file, rate_registered):
    with pytest.raises(InputError, match="job.yaml: rate: a block of a stage that this job does not run") as caught:
        load_job(job_file(MINIMAL + "rate: {min_picks: 5}\n"))
    assert "stages: [pick, associate, magnitude, evaluate, rate]" in caught.value.hint
    named = job_file(MINIMAL + "stages: [pick, associate, rate]\nrate: {min_picks: 5}\n")
    assert load_job(named).block("rate").min_picks == 5
    assert load_job(job_file(MINIMAL + "rate: null\n")).block("rate") is None


def test_override_may_leave_out_a_stage_that_has_a_block(job_file, rate_registered):
    path = job_file(MINIMAL + "stages: [pick, associate, rate]\nrate: {min_picks: 5}\nlocate: {}\n")
    assert load_job(path, ["stages=[pick]"]).stages == ("pick",)
    with pytest.raises(InputError, match="rate: a block of a stage that this job does not run"):
        load_job(job_file(MINIMAL), ["rate.min_picks=5"])


def test_block_that_follows_no_stage_of_the_job_is_refused(job_file):
    with pytest.raises(InputError, match="locate: a block of a stage that this job does not run") as caught:
        load_job(job_file(MINIMAL + "stages: [pick]\nlocate: {}\n"))
    assert "stages: [pick, associate, locate]" in caught.value.hint


def test_absent_job_lists_those_there_are(tmp_path):
    with pytest.raises(InputError) as caught:
        load_job(tmp_path / "none.yaml")
    assert "demo" in caught.value.hint


def test_naive_times_are_utc(job_file):
    job = load_job(job_file(MINIMAL + "period: {starttime: 2024-03-20T00:00:00, endtime: 2024-03-21T01:00:00+01:00}\n"))
    assert job.period.starttime.timestamp() == 1710892800
    assert job.period.endtime.timestamp() == 1710979200


def test_station_patterns():
    selection = StationSelection(include=("OX.*", "BAD"), exclude=("OX.ZOU",))
    assert selection.takes("OX", "MPRI") and selection.takes("NI", "BAD")
    assert not selection.takes("OX", "ZOU") and not selection.takes("NI", "VINO")


def test_every_common_sensor_has_a_rank(job_file):
    priority = load_job(job_file(MINIMAL)).pick.channel_priority
    assert len(set(priority)) == len(priority)
    for better, worse in (("HH", "EH"), ("EH", "HN"), ("EP", "HN"), ("HN", "BH"), ("HN", "BN"), ("CH", "CN")):
        assert priority.index(better) < priority.index(worse)
    assert {"DP", "GP", "EP", "EN", "BN", "HL", "SL", "CN"} <= set(priority)
