"""Smaller models of the rows of a linear one, which nothing is read for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from statsmodels_ooc.design.parts import TermSpan, part_of, term_spans
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.likelihoods.least_squares import LeastSquares
from statsmodels_ooc.models.streamed import seen_anew


class HasSubmodels:
    """A mixin for linear models that stream: models of some of their terms."""

    likelihood: LeastSquares
    spec: DesignSpec
    spec_names: tuple[str, ...]

    def submodel(
        self,
        terms: str | Collection[str] | None = None,
        *,
        drop: str | Collection[str] | None = None,
    ) -> Any:
        """The model of some of the terms, on the same rows; its fit takes no pass.

        Parameters
        ----------
        terms : str or collection of str, optional
            The right-hand side of a formula, or names of terms; of a model without a formula
            names of columns.
        drop : str or collection of str, optional
            Names of terms or columns to leave out instead.

        Returns
        -------
        OLS or WLS
            One that streams, with the passes of this one.

        Raises
        ------
        DesignError
            A name is unknown, or the terms are not made of those of the model.

        Notes
        -----
        Terms are coded afresh, as the smaller formula codes them; where columns are named that
        are no terms, the others stay as they are. The rows are those of this model: one that
        lacks a value of a dropped variable stays out. What is told of the rows of other
        columns of the span is told by R of ``[1 | X | y]``, see `seen_through`.
        """
        part = part_of(self.spec, self.spec_names, terms, drop)
        likelihood = self.likelihood.part(part.spec, part.span)
        smaller = seen_anew(self, likelihood.stream, likelihood, part.formula)
        if part.formula is None:
            smaller.column_names = tuple(self.spec_names[int(j)] for j in part.span.argmax(axis=0))
        return smaller

    @property
    def term_spans(self) -> list[TermSpan]:
        """The terms, and the columns that each of them adds."""
        constant = self.likelihood.constant[1]
        return term_spans(self.spec, self.spec_names, constant)
