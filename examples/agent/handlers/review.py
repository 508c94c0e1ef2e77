# Plays the person who looks at answers with gaps: one failed tool is acceptable, more are not.
import json
import sys

draft = json.load(sys.stdin)
approved = draft["failures"] <= 1
json.dump({
    "approved": approved,
    "comment": "good enough" if approved else f"{draft['failures']} of 3 tools failed",
}, sys.stdout)
