"""What the lessons read: a novel, GPT-2's vocabulary and invented facts. Nothing here needs a network.

text        Moby-Dick, whole
gpt2        GPT-2's table of tokens, and its encoding for tiktoken
facts       sentences such as "Ada Bell plays chess.", made from a seed
model       the small GPT that ships: its weights, its tokenizer, the facts that it was taught
make_model  how it was trained
published   GPT-2's weights, for who has the file; the one thing that may ask a network, when told to

SOURCES.md says where each file is from, and its licence.
"""
