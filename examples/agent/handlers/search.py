# A search engine with three documents. A failure is an exit status and an error object on standard error.
import json
import sys

LIBRARY = {
    "Faust": "Johann Wolfgang von Goethe wrote Faust.",
    "Emma": "Jane Austen wrote Emma.",
    "Odyssey": "Homer is said to have composed the Odyssey.",
}

query = json.load(sys.stdin)["query"]
if query not in LIBRARY:
    json.dump({"Error": "Search.NothingFound", "Cause": f"no document mentions {query!r}"}, sys.stderr)
    sys.exit(1)
json.dump({"tool": "search", "ok": True, "answer": LIBRARY[query]}, sys.stdout)
