# Arithmetic on literals only: the expression comes from a model, so nothing in it may run.
import ast
import json
import operator
import sys

OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
             ast.Pow: operator.pow}


def value(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](value(node.left), value(node.right))
    raise ValueError("only numbers and + - * / **")


expression = json.load(sys.stdin)["expression"]
try:
    result = value(ast.parse(expression, mode="eval").body)
except (ValueError, SyntaxError, ZeroDivisionError, OverflowError) as e:
    json.dump({"Error": "Calculate.BadExpression", "Cause": f"{expression}: {e}"}, sys.stderr)
    sys.exit(1)
json.dump({"tool": "calculate", "ok": True, "answer": f"{expression} = {result}"}, sys.stdout)
