"""A synthetic day of the North-East Italy network, and picker weights of its own.

``earth``       layered velocity model, travel times, attenuation
``network``     station positions, instruments, StationXML
``catalog``     a day of earthquakes: Gutenberg-Richter, clusters, an aftershock sequence
``seismogram``  three-component ground velocity of a local earthquake
``noise``       coloured, day-night noise and non-seismic transients
``visibility``  which onsets stand above what came before them
``truth``       the truth as QuakeML
``dataset``     :func:`~catalogdb.demo.dataset.write_demo_day`: miniSEED, StationXML and QuakeML
``windows``     labelled training windows
``train``       trains PhaseNet on them (needs torch and SeisBench)
``scores``      scores weights on synthetic data never seen in training

Synthesis needs numpy, scipy and ObsPy only.
"""

from pathlib import Path

WEIGHTS_PATH = Path(__file__).parent / "weights" / "phasenet_demo"
"""Stem to hand to ``seisbench.models.PhaseNet.load(WEIGHTS_PATH, version_str=WEIGHTS_VERSION)``."""

WEIGHTS_VERSION = "1"
