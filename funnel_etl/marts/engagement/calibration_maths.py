"""The statistics of calibration: Wilson intervals, AUC and its bootstrap, Brier without one's own, a logistic fit.

Pure numbers. No library of statistics: each is a few lines, and is held against its formula in tests.
"""

from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

Z = 1.959963984540054
"""Of a two-sided interval of 95 %."""
BOOTSTRAPS, SEED = 500, 20260923
_SCORES = 101
RIDGE, ROUNDS = 1.0, 50


def wilson(buyers: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate by Wilson; 0 to 1 where there is nobody."""
    if n == 0:
        return 0.0, 1.0
    rate = buyers / n
    middle = rate + Z * Z / (2 * n)
    half = Z * sqrt(rate * (1 - rate) / n + Z * Z / (4 * n * n))
    size = 1 + Z * Z / n
    return max(0.0, (middle - half) / size), min(1.0, (middle + half) / size)


def auc(score: npt.NDArray[np.int64], bought: npt.NDArray[np.bool_]) -> float | None:
    """Return the share of pairs (buyer, other) in which the buyer has the higher score; ties half. None: no pairs."""
    found = _aucs(_histogram(score, bought)[None, :, :])[0]
    return None if np.isnan(found) else float(found)


def auc_interval(score: npt.NDArray[np.int64], bought: npt.NDArray[np.bool_]) -> tuple[float | None, float | None]:
    """Return the 95 % interval of the AUC: of 500 samples of as many people, always the same ones."""
    counts = _histogram(score, bought)
    total = int(counts.sum())
    if total == 0 or bought.all() or not bought.any():
        return None, None
    drawn = np.random.default_rng(SEED).multinomial(total, counts.ravel() / total, BOOTSTRAPS)
    found = _aucs(drawn.reshape(BOOTSTRAPS, 2, _SCORES))
    found = found[~np.isnan(found)]
    if not len(found):
        return None, None
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def _histogram(score: npt.NDArray[np.int64], bought: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return how many others, and how many buyers, have each score."""
    return np.stack([np.bincount(score[bought == who], minlength=_SCORES) for who in (False, True)]).astype(np.int64)


def _aucs(counts: npt.NDArray[np.int64]) -> Any:
    """Return the AUC of each sample: (sample, buyer or not, score) → share; NaN where one side is empty."""
    others, buyers = counts[:, 0, :], counts[:, 1, :]
    below = np.cumsum(others, axis=1) - others
    won = (buyers * (below + others / 2)).sum(axis=1)
    pairs = others.sum(axis=1) * buyers.sum(axis=1)
    return np.divide(won, pairs, out=np.full(len(won), np.nan), where=pairs > 0)


def brier_without_own(values: Any, occurrences: Any, bought: npt.NDArray[np.bool_]) -> float | None:
    """Return the mean squared error of predicting each person by the rate of its value at all *other* occurrences.

    Where no other occurrence has the value, by the rate of all others; None where there is one occurrence alone.
    """
    value = np.unique(values.astype("str"), return_inverse=True)[1]
    occurrence = np.unique(occurrences.astype("str"), return_inverse=True)[1]
    if not len(value) or occurrence.max() == 0:
        return None
    shape = (value.max() + 1, occurrence.max() + 1)
    n, b = np.zeros(shape), np.zeros(shape)
    np.add.at(n, (value, occurrence), 1)
    np.add.at(b, (value, occurrence), bought)
    n_other, b_other = n.sum(axis=1, keepdims=True) - n, b.sum(axis=1, keepdims=True) - b
    all_other = (b.sum() - b.sum(axis=0)) / (n.sum() - n.sum(axis=0))
    rates = np.divide(b_other, n_other, out=np.broadcast_to(all_other, shape).copy(), where=n_other > 0)
    return float(np.mean((rates[value, occurrence] - bought) ** 2))


def data_weights(points: npt.NDArray[np.float64], bought: npt.NDArray[np.bool_]) -> list[float]:
    """Return the weights a logistic fit of sale on points would give, scaled to a sum of 100 by size; ridge 1.

    Newton's steps. Negative weights stay negative: they say that a component points the wrong way.
    """
    design = np.column_stack([np.ones(len(points)), points / 100])
    penalty = np.diag([0.0, *[RIDGE] * points.shape[1]])
    beta = np.zeros(design.shape[1])
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        gradient = design.T @ (bought - chance) - penalty @ beta
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature + np.eye(len(beta)) * 1e-9, gradient)
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    own = beta[1:]
    size = np.abs(own).sum()
    return [round(float(w), 2) for w in (own * 100 / size if size > 0 else own)]
