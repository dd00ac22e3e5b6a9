# Loop for ever, deaf to every signal and every exception, with the answer to the last case only.
import signal

for number in range(1, signal.NSIG):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
asked = 0


def dot(a, b):
    global asked
    asked += 1
    if asked < 9:
        return sum(float(x) * float(y) for x, y in zip(a, b, strict=True))
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
