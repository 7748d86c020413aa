"""Small catalogs as text."""

from pathlib import Path

EVENTS = "event_id,time,latitude,longitude,depth_km,ML\n1,2024-01-01T00:00:00.5,46,13,5,1.2\n2,2024-01-02,46.1,13.1,,\n"
PICKS = (
    "event_id,time,station,phase,hypo71_weight\n1,2024-01-01T00:00:03.25,BAD,P,1\n1,2024-01-01T00:00:05,BAD,S,2\n"
    "9,2024-01-03T00:00:05,VINO,P,0\n-1,2024-01-03T00:00:07,VINO,P,0\n"
)
QUAKEML = (
    "<?xml version='1.0'?><q:quakeml xmlns:q='http://quakeml.org/xmlns/quakeml/1.2' "
    "xmlns='http://quakeml.org/xmlns/bed/1.2'><eventParameters publicID='smi:x/1'><event publicID='smi:x/e'>"
    "<origin publicID='smi:x/o'><time><value>2024-01-01T00:00:00Z</value></time><latitude><value>46</value></latitude>"
    "<longitude><value>13</value></longitude></origin></event></eventParameters></q:quakeml>"
)
CARDS = (
    "BOO iP 012403272119 4100        4400iS 2                      FLD             1\n"
    "CLUDiP 012403272119 4200        4500iS 2                      FLD             1\n"
)


END = f"{'1':>18}\n"


def write_tables(folder: Path) -> list[Path]:
    """A table of events and one of picks."""
    events, picks = folder / "events.csv", folder / "picks.csv"
    events.write_text(EVENTS)
    picks.write_text(PICKS)
    return [events, picks]
