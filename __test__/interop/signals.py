"""Signals between this package and Python's own os and signal modules.

    signals.py kill PID SIGNAL COUNT   os.kill, COUNT times
    signals.py wait SIGNAL COUNT       prints "ready", then number, code and pid of each as signal.sigwaitinfo gives it
"""
import os
import signal
import sys

words = sys.argv[2:]
if sys.argv[1] == "kill":
    for _ in range(int(words[2])):
        os.kill(int(words[0]), int(words[1]))
else:
    number = int(words[0])
    signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    print("ready", flush=True)
    for _ in range(int(words[1])):
        info = signal.sigwaitinfo([number])
        print(info.si_signo, info.si_code, info.si_pid, flush=True)
