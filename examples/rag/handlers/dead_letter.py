# Appends what could not be ingested to a file for somebody to look at; one write a line, so writers do not mix.
import json
import os
import sys

letter = json.load(sys.stdin)
os.makedirs("out", exist_ok=True)
with open("out/dead-letter.jsonl", "a", encoding="utf-8") as f:
    f.write(json.dumps(letter) + "\n")
json.dump(letter, sys.stdout)
