"""A model that was left in evaluation mode is trained in training mode. Parts of it may stay in evaluation mode."""

import numpy as np
import pytest

import powertrain as pt

X, Y = np.random.default_rng(0).normal(size=(64, 4)).astype("float32"), np.arange(64) % 3


def net():
    pt.random.seed(0)
    return pt.nn.Sequential(pt.nn.Linear(4, 8), pt.nn.BatchNorm1d(8), pt.nn.Dropout(0.5), pt.nn.Linear(8, 3))


def trained(model, given=None):
    pt.fit(model=given or model, data=(X, Y), epochs=2, batch_size=16, verbose=False)
    return {name: value.tolist() for name, value in model.state_dict().items()}


def test_a_model_in_evaluation_mode_is_trained_as_one_in_training_mode():
    want = trained(net())
    left = net().eval()
    assert trained(left) == want
    assert left.training
    left = net().eval()
    assert trained(left, {"use": left}) == want


def test_a_part_in_evaluation_mode_stays_so():
    model = net()
    model[1].eval()
    before = model[1].running_mean.value.tolist()
    trained(model)
    assert model[1].running_mean.value.tolist() == before and not model[1].training


def test_a_refused_fit_leaves_the_mode():
    model = net().eval()
    with pytest.raises(pt.Error):
        pt.fit(model=model, data=(X[:, :3], Y), epochs=2, verbose=False)
    assert not model.training and not model[2].training


def test_a_loaded_run_leaves_the_mode_of_its_model(tmp_path):
    pt.fit(model=net(), data=(X, Y), epochs=1, folder=str(tmp_path / "run"), verbose=False)
    model = net().eval()
    pt.load(str(tmp_path / "run"), model=model)
    assert not model.training
