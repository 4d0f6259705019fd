"""How numbers are written for people, everywhere the same: Indian grouping, rupees with their paise.

Here: numbers to text. Not here: reading what people typed (`money`).
"""

from decimal import ROUND_HALF_UP, Decimal


def grouped(count: int) -> str:
    """Return a whole number in Indian grouping: 1234567 → `12,34,567`."""
    sign, digits = ("-" if count < 0 else ""), str(abs(int(count)))
    head, tail = digits[:-3], digits[-3:]
    pairs = [head[max(end - 2, 0) : end] for end in range(len(head), 0, -2)][::-1]
    return sign + ",".join([*pairs, tail])


def rupees(amount: Decimal | float, *, paise: bool = True) -> str:
    """Return an amount of rupees as `₹1,23,456.00`; a loss as `-₹50.00`; without `paise` in whole rupees."""
    cents = int((Decimal(str(amount)) * 100).to_integral_value(ROUND_HALF_UP))
    whole = cents if paise else int((Decimal(cents) / 100).to_integral_value(ROUND_HALF_UP)) * 100
    text = grouped(abs(whole) // 100) + (f".{abs(whole) % 100:02d}" if paise else "")
    return f"{'-' if whole < 0 else ''}₹{text}"


def measure(name: str, value: Decimal | float) -> str:
    """Return a number of a measure: in rupees where the measure's name ends in `_inr`, else a count."""
    return rupees(value) if name.endswith("_inr") else grouped(int(value))
