"""The model that the scan has where none is given."""

import numpy as np
import pytest

from catalogdb.association.config import AssociateConfig
from catalogdb.geo import EARTH_RADIUS_KM
from catalogdb.traveltimes.first_arrivals import travel_times
from catalogdb.traveltimes.reference_models import IASP91


def test_iasp91_is_that_of_its_table():
    speeds = {layer.depth_km: (layer.vp, layer.vs) for layer in IASP91.layers}
    assert speeds[0.0] == (5.8, 3.36) and speeds[20.0] == (6.5, 3.75)
    assert speeds[35.0] == pytest.approx(
        (8.0425, 4.4775), abs=0.002
    )  # the table has 8.04, 4.47 at 35 and 8.045 at 77.5
    assert speeds[660.0] == pytest.approx((10.86, 6.02), abs=0.01)  # 10.79, 5.95 at 660 and 10.9229, 6.0897 at 710


@pytest.mark.parametrize(
    ("depth_km", "degrees", "p_s", "s_s"),
    [(15.0, 1.0, 19.014, 32.88), (15.0, 4.0, 60.73, 108.23), (150.0, 4.0, 60.20, 107.49), (600.0, 4.0, 85.37, 155.51)],
)
def test_iasp91_has_the_times_of_a_round_earth(depth_km, degrees, p_s, s_s):
    """Against first arrivals of ObsPy's TauP in its own IASP91."""
    times = travel_times(IASP91, 600.0, 0.0, 700.0, (0.0, 0.0))
    distance_km = np.array([np.radians(degrees) * EARTH_RADIUS_KM])
    found = [float(times(distance_km, depth_km, 0.0, is_s)[0]) for is_s in (False, True)]
    assert found == pytest.approx([p_s, s_s], abs=0.13)
    flat = travel_times(IASP91.model_copy(update={"spherical": False}), 600.0, 0.0, 700.0, (0.0, 0.0))
    assert abs(float(flat(distance_km, depth_km, 0.0, False)[0]) - p_s) > 4.0 * abs(found[0] - p_s)


def test_the_scan_has_it_where_no_model_is_given():
    assert AssociateConfig().velocity == IASP91
    assert AssociateConfig(velocity={"vp": 5.85, "vs": 3.28}).velocity.homogeneous == (5.85, 3.28)
    assert AssociateConfig(associator="gamma").velocity.homogeneous == (6.0, 3.45)
    again = AssociateConfig.model_validate(AssociateConfig().model_dump(mode="json"))
    assert again == AssociateConfig()
