"""Names of scikit-learn, and of libraries of its kind, that are spelt otherwise here: a part of counterparts.py."""

from __future__ import annotations

from typing import Final

ESTIMATORS: Final[dict[str, str]] = {
    "ElasticNetCV": "GridSearchCV(pt.sklearn.ElasticNet(), {'alpha': [0.01, 0.1, 1.0]})",
    "ExtraTreesClassifier": "pt.sklearn.RandomForestClassifier()",
    "ExtraTreesRegressor": "pt.sklearn.RandomForestRegressor()",
    "HistGradientBoostingClassifier": "pt.sklearn.GradientBoostingClassifier(max_depth=None, max_leaf_nodes=31)",
    "HistGradientBoostingRegressor": "pt.sklearn.GradientBoostingRegressor(max_depth=None, max_leaf_nodes=31)",
    "IncrementalPCA": "pt.sklearn.PCA(n_components)",
    "LGBMClassifier": "pt.sklearn.GradientBoostingClassifier(max_depth=None, max_leaf_nodes=31)",
    "LGBMRegressor": "pt.sklearn.GradientBoostingRegressor(max_depth=None, max_leaf_nodes=31)",
    "LassoCV": "GridSearchCV(pt.sklearn.Lasso(), {'alpha': [0.01, 0.1, 1.0]})",
    "LinearRegression": "pt.sklearn.Regressor(alpha=0.0)",
    "LinearSVR": "pt.sklearn.SGDRegressor('epsilon_insensitive')",
    "LogisticRegression": "pt.sklearn.Classifier(C=1.0)",
    "LogisticRegressionCV": "GridSearchCV(pt.sklearn.Classifier(), {'C': [0.1, 1.0, 10.0]})",
    "MLPClassifier": "pt.sklearn.Classifier(hidden=(100,))",
    "MLPRegressor": "pt.sklearn.Regressor(hidden=(100,))",
    "MiniBatchKMeans": "pt.sklearn.KMeans(n_clusters)",
    "PassiveAggressiveClassifier": "pt.sklearn.SGDClassifier()",
    "Perceptron": "pt.sklearn.SGDClassifier()",
    "Ridge": "pt.sklearn.Regressor(alpha=1.0)",
    "RidgeCV": "GridSearchCV(pt.sklearn.Regressor(), {'alpha': [0.1, 1.0, 10.0]})",
    "RidgeClassifier": "pt.sklearn.LinearSVC()",
    "SVC": "pt.sklearn.LinearSVC()",
    "TruncatedSVD": "pt.sklearn.PCA(n_components)",
    "XGBClassifier": "pt.sklearn.GradientBoostingClassifier(max_depth=6)",
    "XGBRegressor": "pt.sklearn.GradientBoostingRegressor(max_depth=6)",
}
