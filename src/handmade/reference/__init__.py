"""The GPT itself, one module a lesson: read in order, a small GPT library that stands alone.

matmul      two ways to see a matrix multiplication, and what "linear" means
tokens      text in, integers out: byte-pair encoding
"""
