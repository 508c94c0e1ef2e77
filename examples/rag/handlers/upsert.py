# A vector store that is a folder: one file a document, written whole and renamed, so that a second attempt does no harm.
# Like a real one it is sometimes busy: the first attempt for every third document fails.
import json
import os
import sys
import zlib

record = json.load(sys.stdin)
if record.pop("attempt") == 0 and zlib.crc32(record["id"].encode()) % 3 == 0:
    json.dump({"Error": "Store.Busy", "Cause": f"{record['id']}: try again"}, sys.stderr)
    sys.exit(1)
os.makedirs("out/index", exist_ok=True)
path = f"out/index/{record['id']}.json"
with open(path + ".new", "w", encoding="utf-8") as f:
    json.dump(record, f)
os.rename(path + ".new", path)
json.dump({"path": path}, sys.stdout)
