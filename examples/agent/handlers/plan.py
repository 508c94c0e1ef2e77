# What a language model would do, with regular expressions: which tools answer the question, and with what?
import json
import re
import sys

question = json.load(sys.stdin)["question"]


def find(pattern, otherwise):
    m = re.search(pattern, question)
    return m.group(1).strip() if m else otherwise


json.dump({
    "search": find(r"who wrote ([^,?]+)", "nothing"),
    "calculate": find(r"What is ([^,?]+)", "0"),
    "city": find(r"weather in ([^,?]+)", "nowhere"),
}, sys.stdout)
