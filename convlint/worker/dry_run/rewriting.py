"""The user's code with a hook at each statement, so that one that fails does not end the program.

Only the code outside of module classes: what a model does is followed as it is written.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from convlint.worker.user_code.statements import statement

HOOKS = "__convlint__"
_ERROR = "_convlint_error"
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_PLAIN = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Delete, ast.Import, ast.ImportFrom, ast.Assert)


@dataclass(frozen=True)
class Hooked:
    """A statement, or the head of a compound one, as the hooks know it."""

    node: ast.stmt
    binds: frozenset[str]
    changes: frozenset[str]
    loads: frozenset[str]
    is_innermost: bool = False  # of a loop: it holds no other, and trains nothing


class Rewriter:
    """Rewrites one file. `statements` are what the hooks are called for, by number."""

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.statements: list[Hooked] = []
        self._temporaries = 0

    def module(self, tree: ast.Module) -> ast.Module:
        body = self._body(tree.body, is_top=True)
        return ast.fix_missing_locations(ast.Module(body, tree.type_ignores))

    def _body(self, body: Sequence[ast.stmt], *, is_top: bool = False) -> list[ast.stmt]:
        return [made for node in body for made in self._statement(node, is_top)]

    def _statement(self, node: ast.stmt, is_top: bool) -> Iterable[ast.stmt]:
        match node:
            case ast.Expr(value=ast.Constant()) | ast.ImportFrom(module="__future__"):
                return [node]
            case ast.ClassDef():
                if not is_module_class(node):
                    node.body = self._body(node.body)
                return [self._guarded(node, [node])]
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                node.body = self._body(node.body)
                return [self._guarded(node, [node])] if node.decorator_list else [node]
            case ast.Return() if node.value is not None:
                return [self._guarded(node, [node])]
            case ast.Raise() if is_top:
                return [self._guarded(node, [node])]
            case ast.If() | ast.For() | ast.While() | ast.With():
                return self._compound(node)
            case ast.Try() | ast.TryStar() | ast.AsyncWith() | ast.AsyncFor() | ast.Match():
                self._inside(node)
                return [node]
            case _ if isinstance(node, _PLAIN):
                return [self._guarded(node, [node])]
            case _:
                return [node]

    def _inside(self, node: ast.stmt) -> None:
        for name in ("body", "orelse", "finalbody"):
            if getattr(node, name, None):
                setattr(node, name, self._body(getattr(node, name)))
        for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            part.body = self._body(part.body)

    def _compound(self, node: ast.If | ast.For | ast.While | ast.With) -> list[ast.stmt]:
        """With its head computed by a statement of its own."""
        match node:
            case ast.If():
                before, node.test = self._hoisted(node.test)
                self._inside(node)
                return [before, node]
            case ast.For():
                return self._for(node)
            case ast.While():
                return self._while(node)
            case ast.With(items=[item]):
                before, item.context_expr = self._hoisted(item.context_expr)
                self._inside(node)
                return [before, node]
            case _:
                self._inside(node)
                return [node]

    def _for(self, node: ast.For) -> list[ast.stmt]:
        number = self._keep(node, is_innermost=_is_innermost(node))
        before, iterated = self._hoisted(node.iter)
        self._inside(node)
        if not isinstance(node.target, ast.Name):
            name = self._name()
            bind = ast.copy_location(ast.Assign([node.target], ast.Name(name, ast.Load())), node.target)
            node.target = ast.copy_location(ast.Name(name, ast.Store()), node.target)
            node.body.insert(0, self._guarded(bind, [bind]))
        node.iter = ast.copy_location(_hook("turns", [ast.Constant(number), iterated]), node.iter)
        return [before, node]

    def _while(self, node: ast.While) -> list[ast.stmt]:
        number = self._keep(node, is_innermost=_is_innermost(node))
        loop = self._name()
        start = ast.Assign([ast.Name(loop, ast.Store())], _hook("loop", [ast.Constant(number)]))
        again = ast.Call(ast.Attribute(ast.Name(loop, ast.Load()), "again", ast.Load()), [], [])
        ast.copy_location(start, node)
        test = node.test
        self._inside(node)
        if node.orelse:
            node.test = ast.copy_location(ast.BoolOp(ast.And(), [again, test]), test)
        else:
            before, computed = self._hoisted(test)
            leave = ast.If(ast.UnaryOp(ast.Not(), computed), [ast.Break()], [])
            node.body[:0] = [before, ast.copy_location(leave, test)]
            node.test = ast.copy_location(again, test)
        return [start, node]

    def _hoisted(self, value: ast.expr) -> tuple[ast.stmt, ast.expr]:
        """A statement that computes a value, and the name that holds it then."""
        name = self._name()
        assign = ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], value), value)
        return self._guarded(assign, [assign]), ast.copy_location(ast.Name(name, ast.Load()), value)

    def _name(self) -> str:
        self._temporaries += 1
        return f"_convlint_{self._temporaries}"

    def _keep(self, node: ast.stmt, *, is_innermost: bool = False) -> int:
        found = statement(node, is_eager=True)
        binds = found.binds
        if isinstance(node, _LOOPS):
            inner = [statement(one, is_eager=True) for one in ast.walk(node) if isinstance(one, _PLAIN)]
            changed = frozenset().union(*(one.changes for one in inner), _grown(node))
            self.statements.append(Hooked(node, binds, changed, found.loads, is_innermost))
        else:
            self.statements.append(Hooked(node, binds, found.changes, found.loads))
        return len(self.statements) - 1

    def _guarded(self, node: ast.stmt, body: list[ast.stmt]) -> ast.stmt:
        """`try` the statement; where it fails, its names get what the hook makes of the error."""
        number = self._keep(node)
        call = _hook("failed", [ast.Constant(number), ast.Name(_ERROR, ast.Load())])
        names = sorted(self.statements[number].binds)
        made: ast.stmt
        if isinstance(node, ast.Return):
            made = ast.Return(call)
        elif names:
            made = ast.Assign([ast.Name(name, ast.Store()) for name in names], call)
        else:
            made = ast.Expr(call)
        handler = ast.ExceptHandler(ast.Name("BaseException", ast.Load()), _ERROR, [made])
        whole = ast.Try(body, [handler], [], [])
        ast.copy_location(whole, node)
        for one in ast.walk(handler):
            if isinstance(one, ast.expr | ast.stmt | ast.ExceptHandler):
                ast.copy_location(one, node)
        return whole


def is_module_class(node: ast.ClassDef) -> bool:
    """Whether a class looks like a module by the names of its bases."""
    return any(ast.unparse(base).rpartition(".")[2].endswith(("Module", "Model", "Sequential")) for base in node.bases)


_JOINS = frozenset({"cat", "concat", "concatenate", "stack", "hstack", "vstack", "append"})


def _grown(loop: ast.stmt) -> frozenset[str]:
    """The names that become longer with each round: `x += [y]`, `x = torch.cat([x, y])`."""
    found: set[str] = set()
    for node in ast.walk(loop):
        match node:
            case ast.AugAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Attribute(attr=joins)) as call):
                used = {inner.id for inner in ast.walk(call) if isinstance(inner, ast.Name)}
                if joins in _JOINS and name in used:
                    found.add(name)
            case _:
                pass
    return frozenset(found)


def _hook(name: str, args: list[ast.expr]) -> ast.Call:
    return ast.Call(ast.Attribute(ast.Name(HOOKS, ast.Load()), name, ast.Load()), args, [])


def _is_innermost(loop: ast.stmt) -> bool:
    """Whether a loop holds no other one, and takes no step of training."""
    for node in ast.walk(loop):
        if node is not loop and isinstance(node, _LOOPS):
            return False
        if isinstance(node, ast.Attribute) and node.attr in ("backward", "step"):
            return False
    return True
