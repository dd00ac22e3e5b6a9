# Describe a module whose parts branch for ever.
import gc

worker = next(o for o in gc.get_objects() if type(o).__name__ == "Worker")
Worker = type(worker)

import torch


class Hedge(torch.nn.Module):
    pass


hedge = Hedge()
tree, path = [["", 100, "Hedge", "", False, {}]], ""
for depth in range(60):
    tree += [[(path + "." if path else "") + leaf, 100 + depth, "Hedge", "", False, {}] for leaf in "ab"]
    path = (path + "." if path else "") + "a"
worker.modules.collect = lambda encoder: [[100, tree, [], [], []]]
worker.modules.roots[100] = lambda: hedge


def dot(a, b):
    return hedge
