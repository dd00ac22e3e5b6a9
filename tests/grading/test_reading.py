"""What cannot be read gets a reason that its student can act on; what can be read is."""

import copy
import json
import random

import nbformat
import pytest

from handmade.grading.reading import MAX_BYTES, Unreadable, quoted, read


def data(notebook, **kw):
    return json.dumps(notebook, **kw).encode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The file is empty."),
        (b" \n\n", "The file is empty."),
        (b"%PDF-1.7 ...", "is a PDF"),
        (b"PK\x03\x04...", "zip archive"),
        (b"\x1f\x8b...", "compressed archive"),
        (b"\x89PNG...", "is a picture"),
        (b"\n<!DOCTYPE html><html>", "is a web page"),
        (b"\xef\xbb\xbf<html>", "is a web page"),
        (b"import numpy as np\n", "it begins with `import numpy as np`"),
        (b"`<script>`", "it begins with `'<script>'`"),
        (b'{"cells": [}', "no valid JSON at line 1, column 12"),
        (b'{"cells": [\n{"source": "abc', "ends in the middle, at line 2, column 12"),
        (b'{"cells": [', "ends in the middle, at line 1, column 12"),
        (b'{"cells": [\n<<<<<<< HEAD\n', "merge conflict of git, at line 2"),
        (b'{"a": 1}', "not a notebook: it has no cells"),
        (b"{" + b'"a":{' * 100_000, "cannot be read as JSON"),
        (b"[1, 2]", "but not a notebook"),
        (b'{"worksheets": 3}', "old format that cannot be brought up to date"),
        (b"x" * (MAX_BYTES + 1), "Clear the outputs"),
    ],
    ids=lambda x: None if isinstance(x, bytes) else x[:20],
)
def test_reasons(content, reason):
    with pytest.raises(Unreadable) as caught:
        read(content)
    assert reason in str(caught.value)
    assert str(caught.value).endswith(".")


def test_what_is_whole_is_read_as_it_is(done):
    notebook, repairs = read(data(done))
    assert repairs == []
    assert [c.source for c in notebook.cells] == [c.source for c in done.cells]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings(done, encoding):
    done.cells[-1].source = "Größer"
    notebook, repairs = read(json.dumps(done, ensure_ascii=False).encode(encoding))
    assert notebook.cells[-1].source == "Größer"
    assert len(repairs) == (encoding != "utf-8-sig")


def test_an_old_format(done):
    old = nbformat.convert(copy.deepcopy(done), 3)
    notebook, repairs = read(data(old))
    assert "old notebook format" in repairs[0]
    assert [c.source for c in notebook.cells][3] == done.cells[3].source


def test_lines_as_a_list_and_format_4_without_ids(done):
    done.nbformat_minor = 2
    for c in done.cells:
        del c["id"]
        c["source"] = c.source.splitlines(keepends=True)
    notebook, repairs = read(data(done))
    assert repairs == []
    assert "helper(x) * 2" in notebook.cells[4].source


def test_damaged_cells_keep_their_text(done):
    raw = json.loads(data(done))
    raw["cells"] += [
        {"cell_type": "heading", "source": "my heading"},
        "only my text",
        None,
        {"cell_type": "code", "source": 5, "metadata": [], "outputs": "none"},
        {"cell_type": "markdown", "metadata": {}, "source": "half a character: \ud83d"},
    ]
    notebook, repairs = read(data(raw))
    assert repairs == ["Parts of the file were not as a notebook's should be; it was put together anew."]
    text = [c.source for c in notebook.cells[-5:]]
    assert text[:2] == ["my heading", "only my text"]
    assert text[4].startswith("half a character")
    "".join(text).encode()


def test_random_bytes_never_do_more_than_refuse(done):
    rng = random.Random(0)
    whole = data(done)
    for _ in range(500):
        broken = bytearray(whole)
        for _ in range(rng.randint(1, 5)):
            at = rng.randrange(len(broken))
            broken[at : at + rng.randint(0, 40)] = rng.randbytes(rng.randint(0, 3))
        try:
            notebook, _ = read(bytes(broken))
            assert all(isinstance(c.source, str) for c in notebook.cells)
        except Unreadable:
            pass


def test_quoted():
    assert quoted("a `b`\n c") == "`a 'b' c`"
    assert quoted("x" * 100, 5) == "`xxxxx…`"
