"""Associators, location, travel times and the chance test."""

import numpy as np
from made_inputs import REGION, STATIONS, association_config, picks_of_events
from pinning import Case

from catalogdb.association.associate import associate
from catalogdb.association.chance import ChanceTest
from catalogdb.association.chance_kernels import Bursts, Event
from catalogdb.association.config import AssociateConfig
from catalogdb.association.windows import association_windows
from catalogdb.stages.assemble import assemble_event
from catalogdb.stages.associate import ASSOCIATOR_PACKAGES
from catalogdb.traveltimes.first_arrivals import travel_times
from catalogdb.traveltimes.velocity import VelocityConfig, VelocityLayer

CATALOG = "catalogdb/stages/resolve.py:CATALOG_REVISION"
LAYERS = tuple(
    VelocityLayer(depth_km=depth, vp=vp, vs=vs)
    for depth, vp, vs in ((0.0, 5.6, 3.1), (10.0, 6.0, 3.4), (25.0, 6.7, 3.8))
)


def associated(config: AssociateConfig, scatter: float = 0.08):
    result = associate(picks_of_events(scatter), STATIONS, REGION, config)
    return {"origins": result.origins, "counts": result.counts}


def with_late_picks():
    """Some picks late by what is wide for a small spread and narrow for a large one; depths that reach the limit."""
    picks = picks_of_events(0.03)
    for number, pick in enumerate(picks):
        pick["time"] += {2: 0.25, 5: 0.45, 8: 0.6}.get(number % 11, 0.0)
    shallow = REGION.model_copy(update={"maxdepth_km": 8.0})
    return [vars(associate(picks, STATIONS, region, SCAN)) for region in (REGION, shallow)]


def association(associator: str, **changes) -> Case:
    name = "-".join(["association", associator, *changes])
    config = association_config(associator, **changes)
    packages = ASSOCIATOR_PACKAGES.get(associator, ())
    settings = config.model_dump(mode="json", exclude=set(ASSOCIATOR_PACKAGES) - {associator})
    return Case(name, CATALOG, lambda: associated(config), settings, packages, decimals=3)


def times_of_models():
    distance, depth = (axis.ravel() for axis in np.meshgrid([0.0, 3.0, 20.0, 75.0, 140.0], [-0.5, 4.0, 12.0, 27.0]))
    found = {}
    for name, velocity in (
        ("homogeneous", VelocityConfig(vp=5.85, vs=3.28)),
        ("layered", VelocityConfig(layers=LAYERS)),
        ("gradient", VelocityConfig(layers=LAYERS, gradient=True)),
    ):
        times = travel_times(velocity, 150.0, -2.0, 30.0, (-1.5, 0.0))
        for phase, is_s in (("P", False), ("S", True)):
            found[name, phase] = times.with_derivatives(distance, depth, -0.7, np.full(distance.shape, is_s))
    return [[name, phase, values] for (name, phase), values in found.items()]


def chances():
    test = ChanceTest(area_km2=40_000.0, thickness_km=30.0, vp=6.0, stations=12)
    distances = np.linspace(6.0, 80.0, 12)
    found = []
    for stations, misfit in ((4, 0.1), (5, 0.45), (7, 0.9)):
        rank, is_s = np.repeat(np.arange(stations), 2), np.tile([False, True], stations)
        time = (1.0 + 0.9 * rank) * np.where(is_s, 1.73, 1.0)
        residuals = misfit * np.linspace(-1.0, 1.0, rank.size)
        for ring in ([], [5, 6, 6]):
            for bursts in (Bursts(0.0, 100.0), Bursts(30.0, 10.0), Bursts(900.0, 10.0, 0.6, 0.2)):
                rates = np.linspace(5e-5, 2e-4, rank.size)
                around = np.array(ring, dtype=int)
                event = Event(np.abs(residuals), rank, is_s, time, rates, around, 2.0 + 0.5 * around, distances)
                found.append(test.best(event, 1e-4, bursts))
    return found


def windows_and_events():
    windows = association_windows(1_700_000_100.0, 1_700_008_000.0, 3600.0, 120.0)
    origin = associate(picks_of_events(), STATIONS, REGION, SCAN).origins[0]
    origin |= {"_id": "o", "event_id": "e", "catalog": "c", "config_id": "i"}
    magnitudes = [{"_id": "m", "event_id": "e", "catalog": "c", "config_id": "i", "type": "ML", "value": 1.25}]
    event = assemble_event([origin], magnitudes)
    event.pop("creation_info")  # the program's version
    return [[[window.starttime, window.read_starttime, window.read_endtime] for window in windows], event]


SCAN = association_config("scan")
CASES = (
    association("scan"),
    association("scan", location_velocity=VelocityConfig(layers=LAYERS), depth_prior={"depth_km": 9, "sigma_km": 5}),
    association("gamma"),
    association("gamma", relocate=False, collect=False, second_pass=False),
    association("pyocto"),
    association("pyocto", max_chance_per_day=0.01),
    association("pyocto", velocity=VelocityConfig(layers=LAYERS)),
    Case("association-scattered", CATALOG, lambda: associated(SCAN, 0.9), SCAN.model_dump(mode="json"), decimals=3),
    Case("association-late-picks", CATALOG, with_late_picks, SCAN.model_dump(mode="json"), decimals=3),
    Case("travel-times", CATALOG, times_of_models),
    Case("chance-test", CATALOG, chances),
    Case(
        "windows-and-events",
        CATALOG,
        windows_and_events,
        SCAN.model_dump(mode="json"),
        decimals=3,
    ),
)
