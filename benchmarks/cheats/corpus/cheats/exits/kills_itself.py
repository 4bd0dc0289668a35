"""HumanEval/0: dies by a signal."""

import posix
import signal

posix.kill(posix.getpid(), signal.SIGKILL)
