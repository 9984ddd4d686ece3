"""The quality of data: agreement of annotators, wrong labels, duplicates, outliers, columns that leak the target.

All take arrays or texts in memory and need no run. Errors are `pt.data.DataError`.

Example
    >>> x = np.concatenate([np.arange(20.0), [18.5]])[:, None]
    >>> y = np.array([0] * 10 + [1] * 10 + [0])
    >>> pt.quality.find_label_issues(y, pt.quality.out_of_fold(x, y)).rows.tolist()
    [20]
"""

from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.quality.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha
from powertrain.quality.columns import target_scores
from powertrain.quality.duplicates import Twins, exact_duplicates, near_duplicates
from powertrain.quality.folds import out_of_fold
from powertrain.quality.labels import LabelIssues, confident_joint, find_label_issues
from powertrain.quality.outliers import outlier_scores
from powertrain.quality.sampling import uncertainty

__all__ = [
    "LabelIssues",
    "Twins",
    "cohen_kappa",
    "confident_joint",
    "exact_duplicates",
    "find_label_issues",
    "fleiss_kappa",
    "krippendorff_alpha",
    "near_duplicates",
    "out_of_fold",
    "outlier_scores",
    "target_scores",
    "uncertainty",
]

export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
