"""What the name of a phase says: which readings are first arrivals of P or S, and which are no arrivals at all.

First arrivals are those that a travel-time table of P and S explains: P, Pn, Pg, Pb (P*) and S, Sn, Sg, Sb (S*). Letter
case is no matter (many bulletins write PG), nor are an onset mark before the name (i, e, q), a first motion (c, d, u,
+, -) and a weight (0..4) after it: iPg, EP, IPU0, S3. IASPEI's acoustic IPg is read as an impulsive Pg, which is what
bulletins mean by it.

Not first arrivals: depth phases (pP, sP, pPn), reflections (PP, PmP, PcP, PgPg), core and diffracted phases (PKP,
P', Pdif), conversions (SP, PS), unidentified ones (Px, Sx, x), T, and surface waves, of which Lg and Rg are two.

Source: Storchak et al. (2003), The IASPEI Standard Seismic Phase List, doi:10.1785/gssrl.74.6.761.
"""

from __future__ import annotations

import re

_FIRST_ARRIVAL = re.compile(r"[EIQ]?([PS])[NGB*]?[CDU+-]?[0-4]?")
_AMPLITUDE = re.compile(r"A|AMPLITUDE|I?AM[A-Z]{0,2}(_[A-Z0-9_]*)?|IV[A-Z]{2}(_[A-Z0-9_]*)?|E?END|CODA")


def phase_type(name: str | None) -> str | None:
    """Tell whether a phase is a first arrival of P or S: "P", "S" or None."""
    found = _FIRST_ARRIVAL.fullmatch(_plain(name))
    return found[1] if found else None


def is_amplitude(name: str | None) -> bool:
    """Tell whether a reading is an amplitude or the end of the coda (A, AML, IAML, IVmB_BB, END) and no arrival."""
    return bool(_AMPLITUDE.fullmatch(_plain(name)))


def is_seismic(name: str) -> bool:
    """False for readings of amplitudes and of T, which came through the sea: they are no picks of an event's waves."""
    return not is_amplitude(name) and name.strip().upper() != "T"


def _plain(name: str | None) -> str:
    return "".join((name or "").split()).upper()
