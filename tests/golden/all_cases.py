"""All golden cases."""

from association_cases import CASES as ASSOCIATION
from discrimination_cases import CASES as DISCRIMINATION
from evaluation_cases import CASES as EVALUATION
from feature_cases import CASES as FEATURES
from location_cases import CASES as LOCATION
from magnitude_cases import CASES as MAGNITUDE
from picking_cases import CASES as PICKING
from reader_cases import CASES as READERS
from training_cases import CASES as TRAINING
from waveform_cases import CASES as WAVEFORMS

CASES = (
    *WAVEFORMS, *PICKING, *ASSOCIATION, *LOCATION, *MAGNITUDE, *READERS, *EVALUATION, *TRAINING, *DISCRIMINATION,
    *FEATURES,
)  # fmt: skip
