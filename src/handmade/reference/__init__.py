"""The GPT itself, one module a lesson: read in order, a small GPT library that stands alone.

matmul      two ways to see a matrix multiplication, and what "linear" means
perceptron  one neuron: a weighted sum, a bias, a threshold, one straight line
xor_mlp     hidden neurons bend the boundary: XOR, regions, depth against width
learning    where weights come from: a loss, its slope, and steps downhill
tokens      text in, integers out: byte-pair encoding
"""
