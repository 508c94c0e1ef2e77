# Cuts a text into pieces of so many words; a piece ends with a sentence where one ends nearby.
import json
import sys

request = json.load(sys.stdin)
words, size = request["text"].split(), request["words"]
chunks, current = [], []
for word in words:
    current.append(word)
    if len(current) >= size or (len(current) >= size * 3 // 4 and word.endswith((".", "?", "!"))):
        chunks.append(" ".join(current))
        current = []
if current:
    chunks.append(" ".join(current))
json.dump(chunks, sys.stdout)
