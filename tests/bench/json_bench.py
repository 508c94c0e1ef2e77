#!/usr/bin/env python3
"""The JSON parser and printer beside cJSON's and simdjson's DOM, in one run: MB/s, medians.

    json_bench.py --build BUILD [--rounds N] [--only DOCUMENT] [--check] [FILE.json ...]

BUILD is a tree in which the runtime is built (BUILD/runtime/libasl.a), optimised. json_bench.c is compiled against it, with
json_simdjson.cpp when there is a C++ compiler and Debian's libsimdjson-dev. The documents are made here; FILEs are
measured too. --check: exit status 1 unless the 1 MB document is parsed at 0.8 times simdjson's rate and 10 times cJSON's,
and printed at 10 times cJSON's.
"""
import argparse
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORDS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu".split()


def rows():
    def row(i, s):
        return {"id": i, "name": f"row {i} of section {s}", "value": i * 17, "ratio": i * 2.125,
                "meta": {"on": i % 2 == 0, "path": ["a", "b", {"c": i}]}}
    one = {"doc": {"title": "big", "sections": [
        {"title": f"Section {s}", "tags": [f"t{s}", f"u{s}"], "rows": [row(i, s) for i in range(80)]} for s in range(20)]}}
    return [one] * 6


def messages(r):
    result = []
    for i in range(1500):
        user = {"id": 10**17 + i * 7919, "screen_name": r.choice(WORDS) + str(i),
                "name": r.choice(["Jürgen Müller", "山田太郎", "Анна", "John Doe"]),
                "description": " ".join(r.choice(WORDS) for _ in range(r.randint(0, 20))), "followers": r.randint(0, 99999),
                "verified": r.random() < .1, "url": None if r.random() < .5 else f"https://example.com/{i}"}
        m = {"created_at": "Sun Aug 31 00:29:15 +0000 2014", "id": 505874924095815681 + i,
             "text": " ".join(r.choice(WORDS + ["これは", "テスト", '"quoted"', "line\nbreak"]) for _ in range(r.randint(5, 25))),
             "user": user, "count": r.randint(0, 50), "entities": {"tags": [r.choice(WORDS) for _ in range(r.randint(0, 3))],
                                                                  "urls": []}, "lang": r.choice(["ja", "en", "de"])}
        if r.random() < .3:
            m["in_reply_to"] = r.randint(1, 10**9)
        if r.random() < .3:
            m["place"] = {"country": "JP", "box": [r.uniform(-180, 180) for _ in range(4)]}
        result.append(m)
    return result


def order():
    lines = [{"sku": f"SKU-{i:05d}", "description": f"A product with some text {i}", "quantity": i % 4 + 1,
              "price": round(9.99 + i * 3.1, 2), "tags": ["new", "sale"][:i % 3]} for i in range(14)]
    return {"order": {"id": "ORD-2024-000123", "customer": {"id": 4711, "name": "Jane Example", "email": "jane@example.com",
                      "address": {"street": "12 Long Street Name", "city": "Berlin", "zip": "10115", "country": "DE"}},
                      "lines": lines, "total": 1234.56, "currency": "EUR", "paid": False}}


def documents():
    r = random.Random(7)
    compact = {"separators": (",", ":"), "ensure_ascii": False}
    yield "rows", rows(), compact
    yield "rows-spaced", rows(), {}
    yield "rows-indented", rows(), {"indent": 2}
    yield "messages", messages(r), compact
    yield "messages-escaped", messages(r), {"separators": (",", ":")}
    yield "messages-indented", messages(r), {"indent": 2, "ensure_ascii": False}
    yield "decimals", [[[r.uniform(-180, 180), r.uniform(-90, 90)] for _ in range(250)] for _ in range(110)], compact
    yield "integers", [[r.randint(-10**r.randint(1, 12), 10**r.randint(1, 12)) for _ in range(20)] for _ in range(5000)], compact
    yield "texts", [" ".join(r.choice(WORDS) for _ in range(r.randint(1, 60))) for _ in range(4500)], compact
    yield "dictionary", {f"key-{r.randint(0, 10**9)}": r.randint(0, 1000) for _ in range(30000)}, compact
    yield "records-by-key", {f"user-{r.randint(0, 10**9)}": {"name": f"n{i}", "age": i % 80, "mail": f"user{i}@example.com"}
                             for i in range(14000)}, compact
    yield "kana", ["".join(r.choice("これはテストです。日本語の文章を含む長い文字列") for _ in range(r.randint(5, 100)))
                   for _ in range(6000)], compact
    yield "order-2kb", order(), compact
    yield "small-100b", {"orderId": "A-1001", "amount": 42.5, "items": [{"sku": "x1", "qty": 2}, {"sku": "b7", "qty": 1}],
                         "ok": True, "note": None}, compact


def compile_bench(build, where):
    flags = ["-O2", "-D_GNU_SOURCE", f"-I{ROOT}/include"]
    bench, cpp = where / "json_bench", where / "simdjson.o"
    cxx = shutil.which("c++") or shutil.which("g++")
    if cxx and subprocess.run([cxx, *flags, "-c", HERE / "json_simdjson.cpp", "-o", cpp], capture_output=True).returncode == 0:
        subprocess.run(["cc", "-std=c11", *flags, "-c", HERE / "json_bench.c", "-o", where / "bench.o"], check=True)
        link = [cxx, where / "bench.o", cpp, "-lsimdjson"]
    else:
        print("SKIPPED: simdjson (needs a C++ compiler and libsimdjson-dev)", file=sys.stderr)
        link = ["cc", "-std=c11", *flags, "-DNO_SIMDJSON", HERE / "json_bench.c"]
    subprocess.run([*link, "-o", bench, build / "runtime" / "libasl.a", "-lcjson", "-lpthread", "-lm", "-Wl,--gc-sections"],
                   check=True)
    return bench


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True, type=pathlib.Path)
    p.add_argument("--rounds", type=int, default=41)
    p.add_argument("--only")
    p.add_argument("--check", action="store_true")
    p.add_argument("files", nargs="*")
    a = p.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as where:
        where = pathlib.Path(where)
        bench = compile_bench(a.build, where)
        files = list(a.files)
        for name, value, how in documents():
            if a.only in (None, name):
                (where / f"{name}.json").write_text(json.dumps(value, **how))
                files.append(str(where / f"{name}.json"))
        print("| document | bytes | parse: ours | simdjson | cJSON | print: ours | simdjson | cJSON "
              "| parse / simdjson | parse / cJSON | print / cJSON |")
        print("| --- " + "| ---: " * 10 + "|")
        for file in files:
            out = subprocess.run([bench, "--rounds", str(a.rounds), file], capture_output=True, text=True, check=True).stdout
            of = {row["library"]: row for row in map(json.loads, out.splitlines())}
            ours, cjson, simdjson = of["ours"], of["cjson"], of.get("simdjson")
            parse = [row["parse"] if row else 0 for row in (ours, simdjson, cjson)]
            printed = [row["print"] if row else 0 for row in (ours, simdjson, cjson)]
            ratios = [parse[0] / parse[1] if simdjson else 0, parse[0] / parse[2], printed[0] / printed[2]]
            print(f"| {pathlib.Path(file).stem} | {ours['bytes']} | " + " | ".join(f"{x:.0f}" for x in parse + printed) + " | " +
                  " | ".join(f"{x:.2f}" for x in ratios) + " |", flush=True)
            if a.check and pathlib.Path(file).stem == "rows":
                failed = (simdjson and ratios[0] < 0.8) or ratios[1] < 10 or ratios[2] < 10
    if failed:
        sys.exit("rows: not 0.8 times simdjson's rate and 10 times cJSON's")


if __name__ == "__main__":
    main()
