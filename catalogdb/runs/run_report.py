"""What a run came to, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import BaseModel, Field, PrivateAttr, computed_field

from catalogdb.documents.free import Json
from catalogdb.ledger.execute import TaskReport
from catalogdb.ledger.lost import shard_name
from catalogdb.ledger.stage import Shard, Stage
from catalogdb.picking.unpicked import REASONS as UNPICKED

OF_THE_NETWORK = {
    "stations",
    "places",
    *("stations_out_of_reach", "stations_repeated", "stations_without_coordinates", "stations_elevation_taken_as_zero"),
}
"""Counts that each window has of the same stations: a run tells the most of any one."""
STATIONS_NAMED = 3


def tasks_are(number: int) -> str:
    """Subject and verb of what is said of so many tasks."""
    return "1 task is" if number == 1 else f"{number} tasks are"


class StageReport(BaseModel):
    """What one stage of a run came to."""

    planned: int = Field(0, description="Tasks that should exist.")
    up_to_date: int = Field(0, description="Of them, done before with the same inputs.")
    done: int = 0
    failed: int = 0
    quarantined: int = Field(0, description="Took their worker down too often, and are not tried again.")
    held: int = Field(0, description="In the hands of another worker.")
    counts: dict[str, int] = Field({}, description="What the tasks of this run read, kept and rejected, by reason.")
    seconds: dict[str, float] = Field(
        {}, description="Wall time of the tasks of this run, by step; what a step within another takes is there alone."
    )
    backends: list[str] = Field([], description="What ran the network.")
    failures: list[str] = Field([], description="Each failed task with its reason.")
    problems: list[str] = Field([], description="Inputs passed over; what several tasks say alike is one line.")
    unpicked: dict[str, dict[str, int]] = Field(
        {}, description="Seconds of waveforms that are not picked, or not in full, by reason and station."
    )

    _said: dict[str, tuple[int, str, int]] = PrivateAttr(default_factory=dict)

    def add(self, task: TaskReport) -> None:
        """Count one task in."""
        setattr(self, task.status, getattr(self, task.status) + 1)
        for name, count in task.counts.items():
            before = self.counts.get(name, 0)
            self.counts[name] = max(before, count) if name in OF_THE_NETWORK else before + count
            if name in UNPICKED and count:
                station = f"{task.shard.key['net']}.{task.shard.key['sta']}"
                of_station = self.unpicked.setdefault(name, {})
                of_station[station] = of_station.get(station, 0) + count
        for step, seconds in task.seconds.items():
            self.seconds[step] = self.seconds.get(step, 0.0) + seconds
        if task.backend and task.backend not in self.backends:
            self.backends.append(task.backend)
        if task.problems or task.error:
            for problem in task.problems:
                self._say(task.shard, problem)
            if task.error:
                self.failures.append(located(task.shard, task.error))

    def _say(self, shard: Shard, problem: str) -> None:
        """Take a problem in: one that another task had too adds to that one's line."""
        if problem in self._said:
            at, line, more = self._said[problem]
            more += 1
            self.problems[at] = f"{line} (and {more} more task{'s' if more > 1 else ''})"
        else:
            at, line, more = len(self.problems), located(shard, problem), 0
            self.problems.append(line)
        self._said[problem] = at, line, more

    def unpicked_lines(self) -> list[str]:
        """One line for each reason for which waveforms were not picked, or not in full, largest first."""
        lines = []
        for reason, stations in sorted(self.unpicked.items(), key=lambda item: -sum(item[1].values())):
            most = sorted(stations.items(), key=lambda item: (-item[1], item[0]))[:STATIONS_NAMED]
            named = ", ".join(f"{station} {seconds} s" for station, seconds in most)
            more = f" and {len(stations) - len(most)} more" if len(stations) > len(most) else ""
            number = f"{len(stations)} station{'s' if len(stations) > 1 else ''}"
            lines.append(f"{sum(stations.values())} s at {number} {UNPICKED[reason]}: {named}{more}")
        return lines

    def finish(self, stage: Stage) -> list[str]:
        """Put sums in order.

        Returns:
            What the counts mean for a user who wonders why something is missing.
        """
        self.counts = dict(sorted(self.counts.items()))
        self.seconds = {step: round(value, 3) for step, value in self.seconds.items()}
        return stage.notes(self.counts, self.done, self.planned)


@dataclass(frozen=True)
class Standing:
    """How a stage of a run stands when a participant leaves it, whoever did its tasks.

    Args:
        failures: each failed or quarantined task with its reason.
        left: tasks that other participants have in hand.
    """

    failed: int = 0
    quarantined: int = 0
    failures: list[str] = field(default_factory=list)
    left: int = 0

    @classmethod
    def of(cls, stage: StageReport) -> Standing:
        """What one participant knows by itself."""
        return cls(stage.failed, stage.quarantined, stage.failures)


class RunReport(BaseModel):
    """What a run came to."""

    run_id: str
    job: str
    pick_set: str
    catalog: str
    status: str
    stages: dict[str, StageReport] = {}
    evaluation: Json | None = None
    found: list[str] = Field([], description="What the tasks of this run found, a line for each stage.")
    lost: list[str] = Field([], description="What they lost, and why.")
    next_commands: list[str] = Field([], description="Commands that show the results.")
    notes: list[str] = []

    @computed_field  # type: ignore[prop-decorator]  # as pydantic's documentation has it
    @property
    def nothing_to_do(self) -> bool:
        """True for a run that found nothing to be done, and did nothing."""
        return self.status == "done" and not any(stage.done for stage in self.stages.values())

    def tell_outcome(self, stage: Stage, counts: dict[str, int]) -> None:
        """Add what a stage found and lost, in words."""
        found, lost = stage.outcome(counts)
        self.found += [f"{stage.name}: {found}"] if found else []
        self.lost += [f"{stage.name}: {line}" for line in lost]

    @property
    def is_held_up(self) -> bool:
        """True for a run that has no failures, but tasks that another worker has in hand."""
        stages = self.stages.values()
        failures = any(stage.failures or stage.failed or stage.quarantined for stage in stages)
        return self.status == "failed" and not failures and any(stage.held for stage in stages)


def located(shard: Shard, message: str) -> str:
    """A message about a shard that says which one."""
    name = shard_name(shard.key, shard.starttime)
    return message if message.startswith(name) else f"{name}: {message}"
