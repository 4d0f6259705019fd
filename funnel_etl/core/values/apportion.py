"""Sharing a whole amount by exact fractions: largest remainder, in integers, so that the shares sum to the amount.

Vectorised over many amounts at once. Knows no money and no model.
"""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

_BASE = 10**3
MAX_DENOMINATOR = 4 * 10**15
"""With a larger one a step of the long division would not fit 64 bits."""


def apportion(amounts: Ints, numerators: Ints, denominators: Ints, groups: Ints) -> Ints:
    """Return each row its share of its group's amount: `amount * numerator / denominator`, in whole units.

    Rows of a group are adjacent, have the same amount and denominator, and numerators that sum to it. Each share is
    within one unit of the exact one; units left over go to the largest remainders, ties to the earlier row. The shares
    of a negative amount are those of the positive one, negative. Raises `ValueError` for a denominator that is too
    large, not positive, or not what the numerators sum to.
    """
    if not len(amounts):
        return np.zeros(0, dtype=np.int64)
    if denominators.min() < 1 or denominators.max() > MAX_DENOMINATOR or numerators.min() < 0:
        raise ValueError(f"a denominator is not between 1 and {MAX_DENOMINATOR}, or a numerator is negative")
    starts = np.flatnonzero(np.diff(groups, prepend=groups[:1] - 1))
    sizes = np.diff(starts, append=len(groups))
    if (np.add.reduceat(numerators, starts) != denominators[starts]).any():
        raise ValueError("the numerators of a group do not sum to its denominator")
    shares, remainders = _divided(np.abs(amounts), numerators, denominators)
    left = np.repeat(np.abs(amounts[starts]) - np.add.reduceat(shares, starts), sizes)
    group = np.repeat(np.arange(len(starts)), sizes)
    order = np.lexsort((np.arange(len(groups)), -remainders, group))
    place = np.empty(len(groups), dtype=np.int64)
    place[order] = np.arange(len(groups)) - np.repeat(starts, sizes)
    given: Ints = (shares + (place < left)) * np.sign(amounts)
    return given


def _divided(amounts: Ints, numerators: Ints, denominators: Ints) -> tuple[Ints, Ints]:
    """Return quotient and remainder of amount * numerator / denominator by long division in base 1000."""
    quotients, remainders = np.zeros_like(amounts), np.zeros_like(amounts)
    digits, rest = [], amounts
    while rest.any():
        rest, digit = np.divmod(rest, _BASE)
        digits.append(digit)
    for digit in reversed(digits):
        step = remainders * _BASE + digit * numerators
        quotient, remainders = np.divmod(step, denominators)
        quotients = quotients * _BASE + quotient
    return quotients, remainders
