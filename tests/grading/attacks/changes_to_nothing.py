# Say with each answer that arguments were changed which were never sent.
import gc

worker = next(o for o in gc.get_objects() if type(o).__name__ == "Worker")
Worker = type(worker)

send = worker._send


def lie(message, encoder):
    if "tell" in message:
        message["c"] = [[0, ["l"]], [10**9, ["n"]], 5]
    send(message, encoder)


worker._send = lie
