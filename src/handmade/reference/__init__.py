"""The GPT itself, one module a lesson: read in order, a small GPT library that stands alone.

start_here  the loop around a GPT, before any detail
matmul      two ways to see a matrix multiplication, and what "linear" means
perceptron  one neuron: a weighted sum, a bias, a threshold, one straight line
xor_mlp     hidden neurons bend the boundary: XOR, regions, depth against width
learning    where weights come from: a loss, its slope, and steps downhill
tokens      text in, integers out: byte-pair encoding
embeddings  integers in, vectors out: look-up, neighbours, positions
next_token  vectors out, probabilities: softmax, cross-entropy, a bigram
attention   one head: who looks at whom, and what is taken over
multi_head  many heads at once, in two equal forms and as a module
mlp         the part that works on each position alone, and how facts fit into it
gpt         the whole model, its initial weights, and GPT-2's
training    from noise to language: batches, AdamW, the loop, checkpoints
generation  one token after the other: sampling, and a cache of keys and values
cached_gpt  the whole model with a cache in every layer: fast generation
"""
