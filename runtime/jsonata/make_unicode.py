#!/usr/bin/env python3
"""Writes unicode_case.h: the full default case mappings, from Python's own tables.

    python3 make_unicode.py > unicode_case.h

Mappings from one character to one are ranges {first, last, step, delta}: every step-th character of first … last maps to
itself plus delta. Those to several characters are listed. For the final sigma (Unicode 3.13, table 3-17) there are the
characters that have case and those that do not count beside it; both are read off what str.lower() makes of a sigma.
"""
import sys
import unicodedata

CODES = [c for c in range(0x110000) if not 0xd800 <= c <= 0xdfff]


def mappings(method):
    single, several = {}, {}
    for c in CODES:
        mapped = getattr(chr(c), method)()
        if mapped == chr(c) or c == 0x3a3:  # the sigma by itself is plain
            continue
        if len(mapped) == 1:
            single[c] = ord(mapped) - c
        else:
            several[c] = mapped
    if method == 'lower':
        single[0x3a3] = 0x3c3 - 0x3a3
    return single, several


def mapping_ranges(single):
    """Greedy: the longest run with one delta and a step of 1, or else 2, from each first character on."""
    out, left = [], sorted(single)
    done = set()
    for c in left:
        if c in done:
            continue
        step, last = 1, c
        while single.get(last + 1) == single[c]:
            last += 1
        if last == c:  # every other character, as where capital and small letters alternate
            step = 2
            while single.get(last + 2) == single[c] and last + 1 not in single:
                last += 2
        done.update(range(c, last + 1, step))
        out.append((c, last, step, single[c]))
    for before, after in zip(out, out[1:]):
        assert before[1] < after[0], (before, after)
    return out


def set_ranges(members):
    out = []
    for c in sorted(members):
        if out and c == out[-1][1] + 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def main():
    print('// Made by make_unicode.py from Unicode %s; do not edit.' % unicodedata.unidata_version)
    print('// clang-format off')
    for method in ('upper', 'lower'):
        single, several = mappings(method)
        print('static const struct case_range %s_ranges[] = {' % method)
        for first, last, step, delta in mapping_ranges(single):
            print('    {0x%04x, 0x%04x, %d, %d},' % (first, last, step, delta))
        print('};')
        print('static const struct case_several %s_several[] = {' % method)
        for c in sorted(several):
            units = [ord(x) for x in several[c]]
            assert len(units) <= 3 and max(units) < 0x10000
            print('    {0x%04x, {%s}},' % (c, ', '.join('0x%04x' % u for u in units)))
        print('};')
    cased, ignored = set(), set()
    for c in CODES:
        before_sigma = (chr(c) + '\u03a3').lower()[-1] == '\u03c2'
        after_letter = ('A' + chr(c) + '\u03a3').lower()[-1] == '\u03c2'
        if before_sigma:
            cased.add(c)
        elif after_letter:
            ignored.add(c)
    for name, members in (('cased', cased), ('case_ignorable', ignored)):
        print('static const struct code_range %s[] = {' % name)
        line = '   '
        for first, last in set_ranges(members):
            item = ' {0x%04x, 0x%04x},' % (first, last)
            if len(line) + len(item) > 118:
                print(line)
                line = '   '
            line += item
        print(line)
        print('};')


if __name__ == '__main__':
    sys.exit(main())
