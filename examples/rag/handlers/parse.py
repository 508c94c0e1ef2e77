# Takes a document apart: the first line is its title. What is no text is refused; the workflow knows what to do then.
import json
import sys

path = json.load(sys.stdin)["path"]


def refuse(error, cause):
    json.dump({"Error": error, "Cause": cause}, sys.stderr)
    sys.exit(1)


with open(path, "rb") as f:
    raw = f.read()
try:
    text = raw.decode("utf-8")
except UnicodeDecodeError as e:
    refuse("Document.Unreadable", f"{path} is not UTF-8 at byte {e.start}")
title, _, body = text.partition("\n")
if not body.strip():
    refuse("Document.Empty", f"{path} has a title and nothing else")
json.dump({"title": title.strip("# "), "text": body.strip()}, sys.stdout)
