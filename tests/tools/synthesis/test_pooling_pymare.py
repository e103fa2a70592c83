"""The same effects through PyMARE: τ², mean, and the interval of Hartung and Knapp. Data drawn, not real."""

import warnings
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.pooling_metadat import height
from tools.synthesis.heterogeneity import tau2_of
from tools.synthesis.pooling import pool
from tools.synthesis.values import Effect

values = st.lists(
    st.tuples(st.integers(-300, 300).map(lambda y: y / 100), st.integers(5, 200).map(lambda v: v / 100)),
    min_size=3,
    max_size=10,
).filter(lambda pairs: len({y for y, _ in pairs}) > 1)


def peer(pairs, method):
    """PyMARE's summary. It warns of what it does not do; that concerns nothing that is read here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pymare = import_module("pymare")
        made = {
            "DL": pymare.estimators.DerSimonianLaird,
            "HE": pymare.estimators.Hedges,
        }.get(method)
        estimator = made() if made else pymare.estimators.VarianceBasedLikelihoodEstimator(method=method)
        ys, vs = (np.array(column) for column in zip(*pairs, strict=True))
        return estimator.fit_dataset(pymare.Dataset(y=ys, v=vs)).summary()


def ours(pairs, method, interval="wald"):
    effects = [
        Effect(study_id=str(place), label=str(place), measure="MD", y=y, v=v)
        for place, (y, v) in enumerate(pairs)
    ]
    return pool(effects, model="random", tau2_method=method, interval=interval)


@settings(max_examples=40, deadline=None)
@given(values, st.sampled_from(("DL", "HE")))
def test_closed_forms_agree_to_the_last_digits(pairs, method):
    theirs, here = peer(pairs, method), ours(pairs, method)
    assert here.tau2 == pytest.approx(float(np.ravel(theirs.tau2)[0]), rel=1e-9, abs=1e-12)
    assert here.y == pytest.approx(theirs.fe_params.item(), rel=1e-9, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(values, st.sampled_from(("ML", "REML")))
def test_our_likelihood_is_never_lower(pairs, method):
    theirs = max(0.0, float(np.ravel(peer(pairs, method).tau2)[0]))
    ys, vs = zip(*pairs, strict=True)
    assert height(ys, vs, tau2_of(ys, vs, method), method) >= height(ys, vs, theirs, method) - 1e-9


def test_the_interval_of_hartung_and_knapp_agrees():
    """Six effects with variances that differ; the numbers of `bench.pooling_vectors`."""
    pairs = list(zip((0.28, 0.01, 0.34, 0.56, 0.89, 0.12), (0.04, 0.05, 0.03, 0.06, 0.02, 0.05), strict=True))
    theirs, here = peer(pairs, "DL"), ours(pairs, "DL", "hksj")
    found = theirs.get_fe_stats()
    assert here.se == pytest.approx(found["se"].item(), rel=1e-9)
    assert (here.lower, here.upper) == pytest.approx((found["ci_l"].item(), found["ci_u"].item()), rel=1e-9)
