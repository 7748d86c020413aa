"""Lines of the bulletin's files for tests, put together from fields by their columns, and what readers said of them."""

from __future__ import annotations


def columns(fields: dict[int, str], width: int = 0) -> str:
    """A line with each text beginning in its column (1-based)."""
    text = [" "] * max(width, *(first + len(value) - 1 for first, value in fields.items()))
    for first, value in fields.items():
        text[first - 1 : first - 1 + len(value)] = value
    return "".join(text)


def card(
    station: str,
    p: str = "iP 1",
    clock: str = "12402030405",
    p_seconds: str = " 1018",
    s_seconds: str = "",
    s: str = "",
    letters: str = "FLD",
    duration: str = "",
    number: str = "   7",
    branches: str = "",
) -> str:
    """A `.dat` card; `clock`: century, then yymmddHHMM."""
    fields = {1: station, 5: p, 9: clock, 20: p_seconds, 32: s_seconds, 37: s, 63: letters, 71: duration, 76: number}
    return columns({first: text for first, text in fields.items() if text} | ({81: branches} if branches else {}))


END = " " * 17 + "1" + " " * 46 + "D"
END_UNLOCATED = " " * 17 + "1"


def event_line(
    number: str = "     7",
    clock: str = "1240203  4 5",
    seconds: str = " 8.50",
    latitude: str = "46-20.50",
    longitude: str = "13- 6.25",
    depth: str = " 8.25",
    md: str = "  1.50",
    rest: dict[int, str] | None = None,
    station_lines: str = "  2",
) -> str:
    """An `.hpl` event line; `clock`: century, yymmdd, a blank, HHMM."""
    fields = {1: number, 7: clock, 20: seconds, 26: latitude, 36: longitude, 46: depth, 52: md, 158: station_lines}
    return columns({first: text for first, text in fields.items() if text} | (rest or {}), 160)


def station_line(
    station: str,
    p: str = "iP 1",
    clock: str = " 4 5",
    p_seconds: str = "10.18",
    s: str = "",
    s_seconds: str = "",
    rest: dict[int, str] | None = None,
) -> str:
    """An `.hpl` station line."""
    fields = {1: "     7", 8: station, 27: p, 32: clock, 37: p_seconds, 106: s, 111: s_seconds}
    return columns({first: text for first, text in fields.items() if text} | (rest or {}), 152)


PUN_HEADER = " DATE    ORIGIN    LAT N    LONG E    DEPTH    MAG NO GAP DMIN  RMS  ERH  ERZ QM"
TXT_HEADER = (
    "index event-id     origin_time(UTC)      t_err   lat     lon   h_err depth v_err gap  ml   md  place event_type"
)
SEPARATED_HEADER = "index;event-id;origin_time(UTC);t_err;lat;lon;h_err;depth;v_err;gap;ml;md;place;event_type"


def txt_line(
    number: int = 7,
    time: str = "2024-02-03T04:05:08.500",
    values: str = " 0.12 46.3417 13.1042   0.5   8.2   0.9 120  1.3  1.5",
    place: str = "MONTE FINTO (FRIULI)",
    kind: str = "[earthquake]",
) -> str:
    """A line of the aligned bulletin."""
    return f"{number:05d} 2024_{number:05d} {time} {values} {place} {kind}"


UNLOCATED = "----- ------- ------- ----- ----- ----- --- ---- ----"


def reasons(catalog):
    return [text.split(": ", 1)[1] for text in catalog.rejected]


def repairs(catalog):
    return [text.split(": ", 1)[1] for text in catalog.repaired]
