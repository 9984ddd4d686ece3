"""Names of scikit-learn, and of libraries of its kind, that are spelt otherwise here: a part of counterparts.py."""

from __future__ import annotations

from typing import Final

_NO_STRUCTURE = "sklearn.tree.DecisionTreeClassifier() for the structure of a tree: LightGBM keeps these as a text"
# Attributes of fitted estimators, by the class of ours that lacks them.
FITTED: Final[dict[str, dict[str, str]]] = {
    "_Grows": {
        **dict.fromkeys(
            ("apply", "decision_path", "estimators_", "get_depth", "get_n_leaves", "max_features_"), _NO_STRUCTURE
        ),
        "oob_decision_function_": "sklearn.model_selection.cross_val_predict(model, x, y, method='predict_proba')",
        "oob_score_": "sklearn.model_selection.cross_val_score(model, x, y).mean()",
        "tree_": _NO_STRUCTURE,
    },
    "Estimator": {
        "coefs_": "run = pt.fit(model=model, data=(x, y)), which has run.model",
        "loss_curve_": "run = pt.fit(model=model, data=(x, y)), which has run.history['train.loss']",
        "partial_fit": "run = pt.fit(model=model, data=loader, epochs=1), or partial_fit of pt.sklearn.SGDClassifier",
    },
}
# The estimators of pt.sklearn, whose settings are those of scikit-learn's.
ESTIMATOR_CLASSES: Final = frozenset(
    {
        "Classifier", "DecisionTreeClassifier", "DecisionTreeRegressor", "ElasticNet", "GradientBoostingClassifier",
        "GradientBoostingRegressor", "KMeans", "Lasso", "LinearSVC", "PCA", "RandomForestClassifier",
        "RandomForestRegressor", "Regressor", "SGDClassifier", "SGDRegressor",
    }
)  # fmt: skip
# Settings of scikit-learn's estimators: ours in their place, where an estimator has it; else what to write.
SETTINGS: Final[dict[str, tuple[str, str]]] = {
    "C": ("alpha", "alpha=1 / C"),
    "activation": ("recipe", 'a recipe whose model is { use = "mlp", activation = "tanh" }'),
    "algorithm": ("", "no algorithm; leave it out"),
    "alpha": ("C", "C=1 / alpha"),
    "bootstrap": ("max_samples", "max_samples=0.632, the share of the rows that a tree sees, without repeats"),
    "class_weight": (
        "",
        "weights of rows; write fit(x, y, sample_weight=sklearn.utils.compute_sample_weight('balanced', y))",
    ),
    "criterion": ("", "no criterion: splits are by the Gini impurity or the squared error; leave it out"),
    "early_stopping": ("recipe", "a recipe with run.stop"),
    "hidden_layer_sizes": ("hidden", "hidden=(100,)"),
    "learning_rate": ("lr", "lr=1e-3"),
    "learning_rate_init": ("lr", "lr=1e-3"),
    "max_features": ("", "no max_features; write pt.sklearn.RandomForestClassifier(1, max_features=...)"),
    "max_samples": ("subsample", "subsample=0.5"),
    "min_samples_split": ("min_samples_leaf", "min_samples_leaf=2"),
    "multi_class": ("", "no multi_class: several classes are learned together; leave it out"),
    "n_jobs": ("", "no n_jobs; write pt.set_threads(2)"),
    "oob_score": ("", "no oob_score; write sklearn.model_selection.cross_val_score(model, x, y)"),
    "penalty": ("", "no penalty but L2; write pt.sklearn.SGDClassifier(penalty='l1')"),
    "optimizer": ("recipe", 'a recipe with optimizer = "sgd"'),
    "seed": ("random_state", "random_state=0"),
    "solver": ("", "no solver; leave it out"),
    "svd_solver": ("", "no svd_solver: the components are exact; leave it out"),
    "verbose": ("", "no verbose; leave it out"),
    "warm_start": ("", "no warm_start; leave it out, or call partial_fit of pt.sklearn.SGDClassifier"),
}

ESTIMATORS: Final[dict[str, str]] = {
    "ColumnTransformer": "sklearn.compose.ColumnTransformer, which works with these estimators",
    "DBSCAN": "sklearn.cluster.DBSCAN, which works with these estimators",
    "ElasticNetCV": "GridSearchCV(pt.sklearn.ElasticNet(), {'alpha': [0.01, 0.1, 1.0]})",
    "ExtraTreesClassifier": "pt.sklearn.RandomForestClassifier()",
    "ExtraTreesRegressor": "pt.sklearn.RandomForestRegressor()",
    "GaussianMixture": "sklearn.mixture.GaussianMixture, which works with these estimators",
    "GaussianNB": "sklearn.naive_bayes.GaussianNB, which works with these estimators",
    "GridSearchCV": "sklearn.model_selection.GridSearchCV, which works with these estimators",
    "HistGradientBoostingClassifier": "pt.sklearn.GradientBoostingClassifier(max_depth=None, max_leaf_nodes=31)",
    "HistGradientBoostingRegressor": "pt.sklearn.GradientBoostingRegressor(max_depth=None, max_leaf_nodes=31)",
    "IncrementalPCA": "pt.sklearn.PCA(n_components)",
    "KFold": "sklearn.model_selection.KFold, which works with these estimators",
    "KNeighborsClassifier": "sklearn.neighbors.KNeighborsClassifier, which works with these estimators",
    "KNeighborsRegressor": "sklearn.neighbors.KNeighborsRegressor, which works with these estimators",
    "LGBMClassifier": "pt.sklearn.GradientBoostingClassifier(max_depth=None, max_leaf_nodes=31)",
    "LGBMRegressor": "pt.sklearn.GradientBoostingRegressor(max_depth=None, max_leaf_nodes=31)",
    "LabelEncoder": "sklearn.preprocessing.LabelEncoder, which works with these estimators",
    "LassoCV": "GridSearchCV(pt.sklearn.Lasso(), {'alpha': [0.01, 0.1, 1.0]})",
    "LinearRegression": "pt.sklearn.Regressor(alpha=0.0)",
    "LinearSVR": "pt.sklearn.SGDRegressor('epsilon_insensitive')",
    "LogisticRegression": "pt.sklearn.Classifier(C=1.0)",
    "LogisticRegressionCV": "GridSearchCV(pt.sklearn.Classifier(), {'C': [0.1, 1.0, 10.0]})",
    "MLPClassifier": "pt.sklearn.Classifier(hidden=(100,))",
    "MLPRegressor": "pt.sklearn.Regressor(hidden=(100,))",
    "MinMaxScaler": "sklearn.preprocessing.MinMaxScaler, which works with these estimators",
    "MiniBatchKMeans": "pt.sklearn.KMeans(n_clusters)",
    "OneHotEncoder": "sklearn.preprocessing.OneHotEncoder, which works with these estimators",
    "PassiveAggressiveClassifier": "pt.sklearn.SGDClassifier()",
    "Perceptron": "pt.sklearn.SGDClassifier()",
    "Pipeline": "sklearn.pipeline.Pipeline, which works with these estimators",
    "RandomizedSearchCV": "sklearn.model_selection.RandomizedSearchCV, which works with these estimators",
    "Ridge": "pt.sklearn.Regressor(alpha=1.0)",
    "RidgeCV": "GridSearchCV(pt.sklearn.Regressor(), {'alpha': [0.1, 1.0, 10.0]})",
    "RidgeClassifier": "pt.sklearn.LinearSVC()",
    "SVC": "pt.sklearn.LinearSVC()",
    "SVR": "sklearn.svm.SVR, which works with these estimators",
    "SimpleImputer": "sklearn.impute.SimpleImputer, which works with these estimators",
    "StandardScaler": "sklearn.preprocessing.StandardScaler, which works with these estimators",
    "TSNE": "sklearn.manifold.TSNE, which works with these estimators",
    "TruncatedSVD": "pt.sklearn.PCA(n_components)",
    "VotingClassifier": "sklearn.ensemble.VotingClassifier, which works with these estimators",
    "XGBClassifier": "pt.sklearn.GradientBoostingClassifier(max_depth=6)",
    "XGBRegressor": "pt.sklearn.GradientBoostingRegressor(max_depth=6)",
    "cross_val_score": "sklearn.model_selection.cross_val_score, which works with these estimators",
    "make_pipeline": "sklearn.pipeline.make_pipeline, which works with these estimators",
    "train_test_split": "sklearn.model_selection.train_test_split, which works with these estimators",
}
