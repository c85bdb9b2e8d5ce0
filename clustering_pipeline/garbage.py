"""How rarely the processes that we start look for reference cycles."""

import atexit
import gc
from functools import cache


@cache
def collect_rarely() -> None:
    """Call this before the imports of a process; it changes nothing for whoever imports us.

    Imports make hundreds of thousands of objects that stay.  With Python's own thresholds a
    quarter of a short command's time goes into looking through them again and again while they
    come, and a second of a run's into looking through all of them once more at its end.
    """
    gc.set_threshold(50_000, 20, 50)
    atexit.register(gc.freeze)
