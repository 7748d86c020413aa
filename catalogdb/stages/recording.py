"""Which stations have data around a window of association: only these take part in what is derived from the network.

A station has data where waveforms of it meet what the window reads, or where the window reads picks of it. Of stations
that no waveform is indexed of, as with an agency's bulletin, nothing but picks says whether they recorded: one within
`PICK_REACH_SECONDS` of the window is enough, since a quiet hour would leave none but the stations of its one event.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property

from pymongo.database import Database

from catalogdb.documents.data import Pick
from catalogdb.documents.free import Query
from catalogdb.stations.places import StationRow

PICK_REACH_SECONDS = 86400.0
BUCKET_SECONDS = 3600.0

Code = tuple[str, str]
Spans = list[tuple[float, float]]


class Recording:
    """What is on record of stations' data, for windows in any number.

    Args:
        db: where `wf_miniseed` and `pick` are.
        pick_set: whose picks count.
        whole: True to read all that there is at once, for many windows; False to ask for one window at a time.
    """

    def __init__(self, db: Database, pick_set: str, whole: bool = False):
        self._db, self._pick_set, self._whole = db, pick_set, whole

    def take(
        self, stations: list[StationRow], picks: Iterable[Pick], starttime: float, endtime: float
    ) -> list[StationRow]:
        """Keep the stations that have data around a window.

        A pick or waveform of a network belongs to the station of that network, else to one of its code that has none. A
        pick without a network belongs to the one station of its code; of several to those that have data of their own
        then, or at any time; where none has, all of them stay, and association counts the pick as ambiguous.

        Args:
            stations: dicts with `net` and `sta`.
            picks: those that the window reads.
            starttime, endtime: what the window reads (epoch seconds UTC).
        """
        networks: dict[str, set[str]] = defaultdict(set)
        for station in stations:
            networks[station["sta"]].add(station["net"])
        heard: dict[str, set[str]] = defaultdict(set)
        for pick in picks:
            heard[pick["sta"]].add(pick.get("net") or "")
        taken: set[Code] = set()
        for sta, known in networks.items():
            heard[sta] |= self._with_data(sta, known - heard[sta], starttime, endtime)
            own = heard[sta] & known
            if heard[sta] - known - {""} and "" in known:
                own.add("")
            if "" in heard[sta] and "" not in known:
                own = own or {net for net in known if (net, sta) in self._groups} or known
            taken.update((net, sta) for net in own)
        return [station for station in stations if (station["net"], station["sta"]) in taken]

    def _with_data(self, sta: str, asked: set[str], starttime: float, endtime: float) -> set[str]:
        """Networks of a station code that have data then, "" among them; those of `asked` at least are looked for."""
        if self._whole:
            spans = self._spans.get(sta, {})
            return {net for net, own in spans.items() if any(s < endtime and e >= starttime for s, e in own)}
        meets = {"starttime": {"$lt": endtime}, "endtime": {"$gte": starttime}}
        fields = {"_id": 0, "starttime": 1}
        found = {
            net
            for net in self._networks[sta]
            if any(
                self._db.wf_miniseed.find_one({"channel_group": group} | meets, fields, sort=[("starttime", -1)])
                for group in self._groups[net, sta]
            )
        }
        if asked - self._networks[sta]:
            around = {"$gte": starttime - PICK_REACH_SECONDS, "$lt": endtime + PICK_REACH_SECONDS}
            query = {"pick_set": self._pick_set, "sta": sta, "time": around}
            found.update(
                net or "" for net in self._db.pick.distinct("net", query) if not self._has_waveforms(net or "", sta)
            )
        return found

    def _has_waveforms(self, net: str, sta: str) -> bool:
        """True where waveforms say when it recorded; those of any network do so for picks that name none."""
        return net in self._networks[sta] or (not net and bool(self._networks[sta]))

    @cached_property
    def _groups(self) -> dict[Code, list[str]]:
        """Channel groups of each station that waveforms are indexed of."""
        groups: dict[Code, list[str]] = defaultdict(list)
        for group in self._db.wf_miniseed.distinct("channel_group"):
            net, sta = group.split(".")[:2]
            groups[net, sta].append(group)
        return dict(groups)

    @cached_property
    def _networks(self) -> dict[str, set[str]]:
        """Networks of the waveforms, by station code."""
        networks: dict[str, set[str]] = defaultdict(set)
        for net, sta in self._groups:
            networks[sta].add(net)
        return networks

    @cached_property
    def _spans(self) -> dict[str, dict[str, Spans]]:
        """When each station code has data, by network: waveforms, or the time around its picks."""
        spans: dict[str, dict[str, Spans]] = defaultdict(lambda: defaultdict(list))
        for net, sta, start, end in self._every_span():
            joined = spans[sta][net]
            if joined and start <= joined[-1][1]:
                joined[-1] = joined[-1][0], max(end, joined[-1][1])
            else:
                joined.append((start, end))
        return spans

    def _every_span(self) -> Iterator[tuple[str, str, float, float]]:
        """Spans of each station in order of time."""
        fields = {"_id": 0, "starttime": 1, "endtime": 1}
        for (net, sta), groups in self._groups.items():
            query = {"channel_group": {"$in": groups}}
            for segment in self._db.wf_miniseed.find(query, fields).sort("starttime", 1).allow_disk_use(True):
                yield net, sta, segment["starttime"], segment["endtime"]
        bucket = {"$floor": {"$divide": ["$time", BUCKET_SECONDS]}}
        code = {"net": "$net", "sta": "$sta", "bucket": bucket}
        pipeline: list[Query] = [
            {"$match": {"pick_set": self._pick_set}},
            {"$group": {"_id": code, "first": {"$min": "$time"}, "last": {"$max": "$time"}}},
            {"$sort": {"first": 1}},
        ]
        for row in self._db.pick.aggregate(pipeline, allowDiskUse=True):
            net, sta = row["_id"].get("net") or "", row["_id"]["sta"]
            if not self._has_waveforms(net, sta):
                yield net, sta, row["first"] - PICK_REACH_SECONDS, row["last"] + PICK_REACH_SECONDS
