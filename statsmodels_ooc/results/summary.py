"""The experimental summary of statsmodels, with residual tests handed in."""

from __future__ import annotations

from typing import Any

from statsmodels.iolib import summary2 as iolib

from statsmodels_ooc.solvers.residual_tests import ResidualTests

__all__ = ["summary2"]


def summary2(
    results: Any,
    tests: ResidualTests,
    yname: str | None,
    xname: Any,
    title: str | None,
    alpha: float,
    float_format: str,
) -> Any:
    """`RegressionResults.summary2`, which knows no other way than all residuals."""
    summary = iolib.Summary()
    summary.add_base(
        results=results,
        alpha=alpha,
        float_format=float_format,
        xname=xname,
        yname=yname,
        title=title,
    )
    bera, bera_p, skew, kurtosis = tests.jarque_bera
    summary.add_dict(
        {
            "Omnibus:": f"{tests.omnibus[0]:.3f}",
            "Prob(Omnibus):": f"{tests.omnibus[1]:.3f}",
            "Skew:": f"{skew:.3f}",
            "Kurtosis:": f"{kurtosis:.3f}",
            "Durbin-Watson:": f"{tests.durbin_watson:.3f}",
            "Jarque-Bera (JB):": f"{bera:.3f}",
            "Prob(JB):": f"{bera_p:.3f}",
            "Condition No.:": f"{results.condition_number:.0f}",
        }
    )
    notes = [f"[{i + 1}] {note}" for i, note in enumerate(_notes(results))]
    for line in ["Notes:", *notes] if notes else []:
        summary.add_text(line)
    return summary


def _notes(results: Any) -> list[str]:
    """The notes, white space and all, as statsmodels words them."""
    notes = []
    if not results.k_constant:
        notes.append(
            "R² is computed without centering (uncentered) since the \
                model does not contain a constant."
        )
    notes.append(results.cov_kwds["description"])
    smallest, condition = results.eigenvals[-1], results.condition_number
    if smallest < 1e-10:
        notes.append(
            f"The smallest eigenvalue is {smallest:6.3g}. This might indicate that\
                there are strong multicollinearity problems or that the design\
                matrix is singular."
        )
    elif condition > 1000:
        notes.append(
            f"The condition number is large, {condition:6.3g}. This might indicate\
                that there are strong multicollinearity or other numerical\
                problems."
        )
    return notes
