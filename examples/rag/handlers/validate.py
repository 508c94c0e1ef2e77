# Reads the index back: is every document there, and does a question find the right one? The question is embedded by the
# same C function as the documents.
import ctypes
import glob
import json
import sys

request = json.load(sys.stdin)
library, libc = ctypes.CDLL("./libembed.so"), ctypes.CDLL(None)
library.embed.restype = ctypes.c_void_p
library.embed.argtypes = [ctypes.c_char_p]
libc.free.argtypes = [ctypes.c_void_p]


def embed(text):
    pointer = library.embed(text.encode())
    vector = json.loads(ctypes.string_at(pointer))
    libc.free(pointer)
    return vector


records = []
for path in sorted(glob.glob("out/index/*.json")):
    with open(path, encoding="utf-8") as f:
        records.append(json.load(f))
found = {r["id"] for r in records}
probe, best = embed(request["probe"]), {"score": -1}
for record in records:
    for chunk in record["chunks"]:
        score = round(sum(a * b for a, b in zip(probe, chunk["vector"])), 3)
        if score > best["score"]:
            best = {"id": record["id"], "title": record["title"], "score": score}
json.dump({
    "documents": len(records),
    "chunks": sum(len(r["chunks"]) for r in records),
    "missing": len([i for i in request["expected"] if i not in found]),
    "best": best,
}, sys.stdout)
