"""The model that the scan has where none is given."""

import pytest

from catalogdb.association.config import AssociateConfig
from catalogdb.traveltimes.reference_models import IASP91


def test_iasp91_is_that_of_its_table():
    speeds = {layer.depth_km: (layer.vp, layer.vs) for layer in IASP91.layers}
    assert speeds[0.0] == (5.8, 3.36) and speeds[20.0] == (6.5, 3.75)
    assert speeds[35.0] == pytest.approx(
        (8.0425, 4.4775), abs=0.002
    )  # the table has 8.04, 4.47 at 35 and 8.045 at 77.5
    assert speeds[660.0] == pytest.approx((10.86, 6.02), abs=0.01)  # 10.79, 5.95 at 660 and 10.9229, 6.0897 at 710


def test_the_scan_has_it_where_no_model_is_given():
    assert AssociateConfig().velocity == IASP91
    assert AssociateConfig(velocity={"vp": 5.85, "vs": 3.28}).velocity.homogeneous == (5.85, 3.28)
    assert AssociateConfig(associator="gamma").velocity.homogeneous == (6.0, 3.45)
    again = AssociateConfig.model_validate(AssociateConfig().model_dump(mode="json"))
    assert again == AssociateConfig()
