"""Files of GrowClust: events, stations, differential times, model and control file (Trugman and Shearer, 2017,
doi:10.1785/0220160188, and the program's guide)."""

from __future__ import annotations

from itertools import pairwise

from catalogdb.exchange.peers.events import PeerEvent, PeerInput, PeerPair


def growclust_files(given: PeerInput) -> dict[str, str]:
    """The files by name; `out.growclust_cat` is what the program makes of them."""
    stations = "".join(
        f"{sta:<5s} {latitude:10.6f} {longitude:11.6f}\n"
        for sta, (latitude, longitude, _) in sorted(given.stations.items())
    )
    return {
        "evlist.txt": "".join(_event(event) for event in given.events),
        "stlist.txt": stations,
        "xcordata.txt": "".join(pair_lines(pair) for pair in given.correlated),
        "vzmodel.txt": "".join(f"{depth:8.3f} {vp:7.4f} {vs:7.4f}\n" for depth, vp, vs in _nodes(given)),
        "growclust.inp": _control(given),
        "event_ids.csv": given.ids(),
    }


def _nodes(given: PeerInput) -> list[tuple[float, float, float]]:
    """Depths and speeds from sea level down, between which the program interpolates: an interface has two at its
    depth."""
    layers = given.below_sea_level
    nodes = list(layers)
    if not given.velocity.gradient:
        nodes = layers[:1] + [
            node for above, own in pairwise(layers) for node in ((own[0], above[1], above[2]), own)
        ]  # fmt: skip
    if len(nodes) == 1:  # the program wants a second depth
        nodes.append((given.deepest_km, nodes[0][1], nodes[0][2]))
    return nodes


def pair_lines(pair: PeerPair) -> str:
    """A pair's correlated times, as HypoDD's dt.cc and GrowClust's xcordata have them, which know no polarity."""
    lines = [f"{sta:<7s} {time:11.6f} {abs(weight):6.4f} {phase}\n" for sta, phase, time, weight in pair.times]
    return f"# {pair.first:9d} {pair.second:9d} {0.0:8.3f}\n" + "".join(lines)


def _event(event: PeerEvent) -> str:
    """Format 1: date, time, place, magnitude, horizontal and vertical error, rms, number."""
    date, seconds = event.written_time
    own = event.origin
    return (
        f"{date:%Y %m %d %H %M} {seconds:6.3f} {own['latitude']:10.6f} {own['longitude']:11.6f} {event.depth_km:7.3f} "
        f"{event.magnitude:5.2f} {own.get('horizontal_uncertainty_km') or 0.0:6.3f} "
        f"{own.get('depth_uncertainty_km') or 0.0:6.3f} {own.get('rms') or 0.0:6.3f} {event.number:9d}\n"
    )


def _control(given: PeerInput) -> str:
    _, vp, vs = given.layers[0]
    return f"""* evlist_fmt (1 = date, time, place, magnitude, errors, number)
1
* fin_evlist
evlist.txt
* stlist_fmt (1 = code, latitude, longitude)
1
* fin_stlist
stlist.txt
* xcordat_fmt (1 = text), tdif_fmt (12 = first minus second event)
1 12
* fin_xcordat
xcordata.txt
* fin_vzmdl
vzmodel.txt
* fout_vzfine
vzfine.txt
* fout_pTT
tt.pg
* fout_sTT
tt.sg
* vpvs_factor rayparam_min
{vp / vs:.4f} 0.0
* tt_dep0 tt_dep1 tt_ddep
0.0 {given.deepest_km:.1f} 0.5
* tt_del0 tt_del1 tt_ddel
0.0 {given.farthest_km:.1f} 1.0
* rmin delmax rmsmax
0.6 {given.farthest_km:.0f} 0.2
* rpsavgmin rmincut ngoodmin iponly
0 0.6 8 0
* nboot nbranch_min
10 1
* fout_cat
out.growclust_cat
* fout_clust
out.growclust_clust
* fout_log
out.growclust_log
* fout_boot
out.growclust_boot
"""
