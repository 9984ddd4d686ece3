"""Watching a model in use: a profile of what it was trained on, drift, data quality, late labels, detectors, alarms.

Example
    >>> reference = np.random.default_rng(0).normal(size=(1000, 2))
    >>> monitor = pt.monitor.Monitor(pt.monitor.Profile.of(reference), window=400)
    >>> [event.rule for event in monitor.observe(reference[:400] + [0.0, 0.7])]
    ['drift']
    >>> [row.name for row in monitor.rows if row.problems]
    ['x1']
"""

from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.monitor.adwin import ADWIN
from powertrain.monitor.alarms import Webhook, prometheus, to_log
from powertrain.monitor.comparison import Limits, Row
from powertrain.monitor.detectors import DDM, EDDM, Detector, PageHinkley
from powertrain.monitor.distances import (
    Binned,
    HypothesisTest,
    chi_square,
    jensen_shannon,
    kolmogorov_smirnov,
    kolmogorov_smirnov_of_bins,
    pooled,
    psi,
    wasserstein,
    wasserstein_of_bins,
)
from powertrain.monitor.errors import MonitorError
from powertrain.monitor.features import CategoryFeature, NumberFeature
from powertrain.monitor.feedback import Feedback
from powertrain.monitor.labels import Waiting
from powertrain.monitor.monitor import Monitor
from powertrain.monitor.paired import PairedDifference, paired_difference
from powertrain.monitor.profile import Moments, Profile, Scores
from powertrain.monitor.rule_files import read_rules
from powertrain.monitor.rules import USUAL, Event, Rule
from powertrain.monitor.significance import adjusted
from powertrain.monitor.stream_rules import DETECTORS, DetectorRule

__all__ = [
    "ADWIN",
    "DDM",
    "DETECTORS",
    "EDDM",
    "USUAL",
    "Binned",
    "CategoryFeature",
    "Detector",
    "DetectorRule",
    "Event",
    "Feedback",
    "HypothesisTest",
    "Limits",
    "Moments",
    "Monitor",
    "MonitorError",
    "NumberFeature",
    "PageHinkley",
    "PairedDifference",
    "Profile",
    "Row",
    "Rule",
    "Scores",
    "Waiting",
    "Webhook",
    "adjusted",
    "chi_square",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "kolmogorov_smirnov_of_bins",
    "paired_difference",
    "pooled",
    "prometheus",
    "psi",
    "read_rules",
    "to_log",
    "wasserstein",
    "wasserstein_of_bins",
]

export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
