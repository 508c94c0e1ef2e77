#!/usr/bin/env python3
"""Expressions of workflows: evaluations per second of compiled code and of npm's jsonata, in one run.

    jsonata.py --driver BUILD/tests/jsonata_bench --cases DIR [--npm DIR] [--only NAME] [--samples N] [--markdown]

DIR holds cases.jsonl, data/*.json and bench.js; --npm a node_modules/jsonata. Case by case, one engine after the other,
so that what else the machine does slows both. Both are warm and have compiled the expression once; results must be equal.
"""
import argparse
import hashlib
import json
import math
import pathlib
import subprocess
import sys
import tempfile


def ours(driver, case, data, samples):
    expression = case["expr"].replace("@IN", "$")
    out = subprocess.run([driver, case["name"], data, expression, str(samples)], capture_output=True, text=True)
    if out.returncode:
        sys.exit(f"{case['name']}: {out.stderr.strip()}")
    row = json.loads(out.stdout)
    row["digest"] = hashlib.sha256(row["result"].encode()).hexdigest()[:16]
    return row


def theirs(folder, npm, case, samples):
    with tempfile.NamedTemporaryFile(suffix=".json") as f:
        command = ["node", str(folder / "bench.js"), "--engine", npm, "--only", case["name"], "--samples", str(samples), "--json", f.name]
        out = subprocess.run(command, capture_output=True, text=True)
        if out.returncode:
            sys.exit(f"{case['name']}: {out.stderr.strip()}")
        return json.load(open(f.name))["rows"][0]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--driver", required=True)
    p.add_argument("--cases", required=True, type=pathlib.Path)
    p.add_argument("--npm")
    p.add_argument("--only")
    p.add_argument("--samples", type=int, default=5)
    p.add_argument("--markdown", action="store_true")
    a = p.parse_args()
    ratios = []
    if a.markdown:
        print("| case | aslc µs | jsonata µs | times faster | compile ms |\n| --- | ---: | ---: | ---: | ---: |")
    for line in (a.cases / "cases.jsonl").read_text().splitlines():
        case = json.loads(line)
        if a.only and a.only != case["name"]:
            continue
        mine = ours(a.driver, case, str(a.cases / "data" / (case["data"] + ".json")), a.samples)
        other = theirs(a.cases, a.npm, case, a.samples) if a.npm else None
        ratio = other["us"] / mine["us"] if other else 0
        same = "" if not other or other["digest"] == mine["digest"] else "  RESULTS DIFFER"
        if other:
            ratios.append(ratio)
        if a.markdown:
            print(f"| {case['name']} | {mine['us']:.2f} | {other['us'] if other else 0:.1f} | {ratio:.1f} | {mine['compile_ms']:.1f} |{same}")
        else:
            shown = f"{other['us']:12.2f} {ratio:8.1f}x" if other else ""
            print(f"{case['name']:12} {mine['us']:10.3f} {shown}  compile {mine['compile_ms']:.1f} ms, memory +{mine['bytes']}{same}", flush=True)
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"\ngeometric mean {mean:.1f}x, least {min(ratios):.1f}x over {len(ratios)} cases")


main()
