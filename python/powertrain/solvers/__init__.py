"""Solvers for whole data sets in memory, on NumPy arrays: linear models, k-means, PCA, L-BFGS.

Products and sums of the rows are computed on the engine, a piece at a time, and added up in float64.

Example
    >>> x, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
    >>> coef, intercept = pt.solvers.fit_ridge(x, y, l2=0.0)
    >>> (x @ coef + intercept).round(6).tolist()
    [1.0, 3.0, 5.0]
"""

from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.solvers.checks import SolverError
from powertrain.solvers.elastic_net import Descent, ElasticNetFit, coordinate_descent, fit_elastic_net
from powertrain.solvers.least_squares import fit_ridge
from powertrain.solvers.lloyd import Clusters, kmeans, kmeans_plusplus
from powertrain.solvers.logistic import LogisticFit, fit_logistic
from powertrain.solvers.principal import PrincipalComponents, principal_components
from powertrain.solvers.quasi_newton import Minimum, minimize
from powertrain.solvers.squared_hinge import SquaredHingeFit, fit_squared_hinge

__all__ = [
    "Clusters",
    "Descent",
    "ElasticNetFit",
    "LogisticFit",
    "Minimum",
    "PrincipalComponents",
    "SolverError",
    "SquaredHingeFit",
    "coordinate_descent",
    "fit_elastic_net",
    "fit_logistic",
    "fit_ridge",
    "fit_squared_hinge",
    "kmeans",
    "kmeans_plusplus",
    "minimize",
    "principal_components",
]

export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
