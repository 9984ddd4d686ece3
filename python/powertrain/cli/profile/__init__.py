"""`powertrain profile RECIPE`: where a step's time goes, beside what the machine can do."""

from powertrain.cli.profile.measure import Line, Profile, Recorder
from powertrain.cli.profile.roofline import Roofline, measure_roofline

__all__ = ["Line", "Profile", "Recorder", "Roofline", "measure_roofline"]
