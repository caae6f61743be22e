"""Peak memory of a fit is the same for one million rows and for eight."""

from __future__ import annotations

import sys

from harness import Contender, arguments, cores, measure, print_header, report
from t1_ols import ours
from tasks import T1

MILLIONS = (1, 2, 4, 8)
FIT = Contender("statsmodels_ooc", ours, cores(), packages=("statsmodels_ooc", "dask"))


def main() -> None:
    options = arguments(__doc__, rows=1_000_000)
    if options.contender:
        report(FIT, options.file, options.repeat)
        return
    print_header("Peak resident memory of an OLS fit, T1 data", set(FIT.packages))
    print(f"{'rows':>12}{'seconds':>10}{'peak MiB':>10}{'in memory, MiB':>16}")
    peaks = []
    for factor in MILLIONS:
        rows = factor * options.rows
        found = measure(FIT, __file__, T1.file(options.data, rows), repeat=1)
        if found.failure:
            sys.exit(found.failure)
        peaks.append(found.peak_mib)
        matrix = rows * 13 * 8 / 2**20  # the design matrix and the response alone
        print(f"{rows:>12,}{found.seconds:>10.2f}{found.peak_mib:>10,.0f}{matrix:>16,.0f}")
    print(f"\nlast peak over first: {peaks[-1] / peaks[0]:.2f}")
    print("(a million rows are one row group: with one of them, one worker has no work)")


if __name__ == "__main__":
    main()
