"""Right answers to lesson 05 in a third idiom: by hand, with little of Python's library."""

import unicodedata


def to_bytes(text):
    out = []
    for character in text:
        code = ord(character)
        if code < 0x80:
            out.append(code)
        elif code < 0x800:
            out += [0xC0 | code >> 6, 0x80 | code & 0x3F]
        elif code < 0x10000:
            out += [0xE0 | code >> 12, 0x80 | code >> 6 & 0x3F, 0x80 | code & 0x3F]
        else:
            out += [0xF0 | code >> 18, 0x80 | code >> 12 & 0x3F, 0x80 | code >> 6 & 0x3F, 0x80 | code & 0x3F]
    return tuple(out)


def pair_counts(ids):
    counts = {}
    for i in range(len(ids) - 1):
        pair = (ids[i], ids[i + 1])
        if pair not in counts:
            counts[pair] = sum(1 for j in range(len(ids) - 1) if (ids[j], ids[j + 1]) == pair)
    return counts


def merge(tokens, two, new):
    if len(tokens) < 2:
        return tokens
    if tokens[0] == two[0] and tokens[1] == two[1]:
        return [new, *merge(tokens[2:], two, new)]
    return [tokens[0], *merge(tokens[1:], two, new)]


def train_bpe(text, vocab_size):
    if vocab_size < 256:
        raise ValueError
    tokens = list(to_bytes(text))
    merges = []
    while len(merges) < vocab_size - 256:
        best, most = None, 1
        for pair, count in pair_counts(tokens).items():
            if count > most:
                best, most = pair, count
        if best is None:
            return merges
        tokens = merge(tokens, best, 256 + len(merges))
        merges.append(list(best))
        merges[-1] = tuple(merges[-1])
    return merges


def encode(text, merges):
    """One place at a time: the leftmost of the lowest rank."""
    tokens = list(to_bytes(text))
    while True:
        found = [
            (merges.index((tokens[i], tokens[i + 1])), i)
            for i in range(len(tokens) - 1)
            if (tokens[i], tokens[i + 1]) in merges
        ]
        if not found:
            return tokens
        rank, i = min(found)
        tokens[i : i + 2] = [256 + rank]


def decode(ids, merges):
    def spell(token):
        if token < 0 or token >= 256 + len(merges):
            raise ValueError("no such token")
        if token < 256:
            return [token]
        left, right = merges[token - 256]
        return spell(left) + spell(right)

    return str(bytes(byte for token in ids for byte in spell(token)), "utf-8", "replace")


def mergeable_ranks(merges):
    def spell(token):
        if token < 256:
            return bytes([token])
        return spell(merges[token - 256][0]) + spell(merges[token - 256][1])

    return {spell(token): token for token in reversed(range(256 + len(merges)))}


def _kind(character):
    if character.isspace():
        return "space"
    return {"L": "letter", "N": "digit"}.get(unicodedata.category(character)[0], "sign")


def split_words(text):
    pieces = []
    i = 0
    while i < len(text):
        ending = next(
            (e for e in ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d") if text.startswith(e, i)), None
        )
        if ending:
            end = i + len(ending)
        else:
            start = i + 1 if text[i] == " " and i + 1 < len(text) and _kind(text[i + 1]) != "space" else i
            end = start
            while end < len(text) and _kind(text[end]) == _kind(text[start]):
                end += 1
            if _kind(text[start]) == "space" and end < len(text) and end - start > 1:
                end -= 1
        pieces.append(text[i:end])
        i = end
    return pieces


def train_bpe_on_words(text, vocab_size):
    if vocab_size < 256:
        raise ValueError
    words = [list(to_bytes(piece)) for piece in split_words(text)]
    merges = []
    while len(merges) < vocab_size - 256:
        counts = {}
        for word in words:
            for i in range(len(word) - 1):
                counts[word[i], word[i + 1]] = counts.get((word[i], word[i + 1]), 0) + 1
        best = sorted(counts, key=lambda pair: (-counts[pair], pair))[:1]
        if not best or counts[best[0]] == 1:
            break
        merges.append(best[0])
        words = [list(merge(word, best[0], 255 + len(merges))) for word in words]
    return merges
