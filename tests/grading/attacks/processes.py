# Start processes that outlive the grading: forks, a shell, a detached one that would write into the gradebook.
import ctypes
import os
import subprocess
import sys

for start in (
    os.fork,
    lambda: subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True),
    lambda: os.system("sleep 100 &"),
    lambda: os.posix_spawn(sys.executable, [sys.executable], {}),
    lambda: ctypes.CDLL(None).fork(),
    lambda: ctypes.CDLL(None).vfork(),
    lambda: ctypes.CDLL(None).syscall(56, 17, 0, 0, 0, 0),
    lambda: ctypes.CDLL(None).syscall(435, 0, 0),
):
    try:
        print("STARTED", start()) if start() not in (-1, 32512, None) else None
    except Exception:
        pass
