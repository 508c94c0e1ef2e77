#!/usr/bin/env python3
"""Expressions that generated ones have found to differ, with the outcomes of the reference implementation.

    run.py --aslc build/compiler/aslc

Each line of jsonata.jsonl is a case: "expr", "data" and one of "result", "undefined", "code". Each runs under the interpreter
and as machine code. Values compare as JSON, members in any order.
"""
import argparse
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))
import harness


def kept(outcome):
    return {k: outcome[k] for k in ('result', 'undefined', 'code') if k in outcome}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--aslc', required=True)
    o = p.parse_args()
    with open(os.path.join(HERE, 'jsonata.jsonl'), encoding='utf-8') as f:
        cases = [json.loads(line) for line in f]
    requests = ''.join(json.dumps({'id': i, 'expr': c['expr'], 'data': c['data']}) + '\n' for i, c in enumerate(cases))
    named = []
    for engine in ('interpret', 'jit'):
        argv = [o.aslc, 'eval', '--batch', '--query-language', 'jsonata'] + (['--engine', 'jit'] if engine == 'jit' else [])
        answers = [json.loads(line) for line in harness.run(argv, input=requests, timeout=250).stdout.split('\n') if line]
        for i, c in enumerate(cases):
            got = answers[i] if i < len(answers) else {'code': 'no answer'}
            named.append((f'{engine}: {c["expr"]}', (kept(c), kept(got))))
    return harness.report(named, lambda pair: harness.differs(*pair))


if __name__ == '__main__':
    sys.exit(main())
