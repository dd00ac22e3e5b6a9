# Print, raise and return text that no file can hold: lone surrogates, and what moves a cursor.
print("\ud800 \x1b[2J\x1b]0;mine\x07")


def dot(a, b):
    print("\udfff" * 100)
    raise ValueError("\ud800\x1b[2J")


def cosine_similarity(a, b):
    return "\ud800"


def matvec_by_rows(A, x):
    return {"\udcff": 1}
