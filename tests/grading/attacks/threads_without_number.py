# Start thousands of threads with small stacks, so that the machine has no room for the next submission.
import threading
import time

threading.stack_size(32_768)
try:
    for _ in range(6000):
        threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
except (RuntimeError, MemoryError):
    pass
