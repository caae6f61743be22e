"""The logarithm of the gamma function in decimal arithmetic, with digits to spare."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

DIGITS = 60
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620900")
BERNOULLI = (
    Fraction(1, 6),
    Fraction(-1, 30),
    Fraction(1, 42),
    Fraction(-1, 30),
    Fraction(5, 66),
    Fraction(-691, 2730),
    Fraction(7, 6),
    Fraction(-3617, 510),
    Fraction(43867, 798),
    Fraction(-174611, 330),
    Fraction(854513, 138),
)
FAR = 60  # the first term left out of the series is 2e-39 there


def lgamma(k: float | Decimal) -> Decimal:
    """Stirling's series of a number that is large enough, less the steps up to it."""
    with localcontext() as context:
        context.prec = DIGITS
        x, product = Decimal(k), Decimal(1)
        while x < FAR:
            product *= x
            x += 1
        total = (x - Decimal("0.5")) * x.ln() - x + (2 * PI).ln() / 2
        for i, b in enumerate(BERNOULLI, 1):
            total += Decimal(b.numerator) / b.denominator / (2 * i * (2 * i - 1) * x ** (2 * i - 1))
        return total - product.ln()
