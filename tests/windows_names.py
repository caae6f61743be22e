"""Hides from the package, and from nobody else, what Python does not have on Windows.

Run as a script it opens, fits and saves as users do; it prints the sums that came out.
"""

from __future__ import annotations

import builtins
import os
import signal
import sys
import types
from typing import Any

PACKAGE = "statsmodels_ooc"
MODULES = {"crypt", "fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
OS = """
chown confstr ctermid eventfd fchdir fchmod fchown fork forkpty fpathconf fstatvfs
getegid geteuid getgid getgrouplist getgroups getloadavg getpgid getpgrp getpriority
getresgid getresuid getsid getuid initgroups killpg lchown lockf major makedev minor
mkfifo mknod nice openpty pathconf pathconf_names pipe2 posix_fadvise posix_fallocate
posix_spawn pread preadv pwrite pwritev readv register_at_fork sched_getaffinity
sched_yield sendfile setegid seteuid setgid setuid setsid statvfs sync sysconf
sysconf_names tcgetpgrp ttyname uname wait wait3 wait4 waitid writev O_NONBLOCK
O_CLOEXEC O_NOFOLLOW O_DIRECTORY WNOHANG WIFEXITED WEXITSTATUS
"""
SIGNAL = """
SIGALRM SIGCHLD SIGHUP SIGKILL SIGQUIT SIGSTOP SIGUSR1 SIGUSR2 alarm pause
pthread_kill pthread_sigmask setitimer sigwait
"""
NAMES = {"os": set(OS.split()), "signal": set(SIGNAL.split())}


def asked_by_package() -> bool:
    name = sys._getframe(2).f_globals.get("__name__", "")
    return str(name).partition(".")[0] == PACKAGE


class Hidden(types.ModuleType):
    def __getattribute__(self, name: str) -> Any:
        own = super().__getattribute__("__name__")
        if name in NAMES[own] and asked_by_package():
            raise AttributeError(f"module {own!r} has no attribute {name!r} on Windows")
        return super().__getattribute__(name)


def hide() -> None:
    os.__class__ = Hidden
    signal.__class__ = Hidden
    original = builtins.__import__

    def importer(name: str, *args: Any, **kwargs: Any) -> Any:
        if name in MODULES and asked_by_package():
            raise ModuleNotFoundError(f"No module named {name!r} on Windows")
        return original(name, *args, **kwargs)

    builtins.__import__ = importer


def main(folder: str) -> None:
    hide()
    import numpy as np
    import pandas as pd
    import statsmodels.api as sm

    import statsmodels_ooc.api as smo
    import statsmodels_ooc.formula.api as smof

    frame = pd.DataFrame({"y": [1.0, 2.0, 2.0, 5.0] * 50, "x": np.arange(200.0)})
    frame["g"] = np.where(frame["x"] % 3 > 0, "a", "b")
    frame.to_parquet(os.path.join(folder, "t.parquet"))
    frame.to_csv(os.path.join(folder, "t.csv"), index=False)
    frame.to_feather(os.path.join(folder, "t.feather"))
    for name in ("t.parquet", "t.csv", "t.feather"):
        path = os.path.join(folder, name)
        results = smof.ols("y ~ x + g + center(x ** 2)", path).fit(cov_type="HC1")
        results.summary()
        results.save(os.path.join(folder, "t.pickle"))
        again = sm.load(os.path.join(folder, "t.pickle"))
        poisson = smof.glm("y ~ x + C(g)", path, family=sm.families.Poisson()).fit()
        chosen = smo.IBOSS(k=50).select("y ~ x + g", path).fit()
        sums = [results.fittedvalues.sum(), poisson.fittedvalues.sum()]
        same = bool((again.params == results.params).all())
        print([round(float(value), 6) for value in sums], same, len(chosen.params))


if __name__ == "__main__":
    main(sys.argv[1])
