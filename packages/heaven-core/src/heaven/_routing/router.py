"""The router: a tree of segments, walked from its root, the better choice first.

At each segment a literal goes before a typed parameter, that before an untyped one, and that before the rest; a walk
that ends nowhere goes back to where it had another choice.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from heaven._routing.converters import Kind, Type
from heaven._routing.endpoint import Endpoint
from heaven._routing.pattern import Pattern, Segment

ANY_METHOD = '*'
Values = tuple[Any, ...]
Found = tuple[Endpoint | None, dict[str, Any] | None]
NOTHING = (None, None)


class Node:
    """What may follow a path so far."""

    __slots__ = ('depth', 'endpoints', 'has_other_ways', 'literals', 'name', 'rest', 'typed', 'untyped')

    def __init__(self, depth: int, name: str = '') -> None:
        self.depth: int = depth  # how many segments lead here
        self.has_other_ways: bool = False  # a path that leads here may go another way at some segment
        self.name: str = name  # of the parameter that leads here, with the first who came
        self.endpoints: dict[str, Endpoint] = {}  # by method: patterns that end here
        self.literals: dict[str, Node] = {}
        self.typed: list[tuple[Type, Node]] = []  # in the order of the types
        self.untyped: Node | None = None
        self.rest: dict[str, Endpoint] = {}  # by method: patterns that go on with '*'

    def child(self, segment: Segment) -> 'Node':
        """Return the node that a segment of a pattern leads to, made if it is not there."""
        if segment.kind is Kind.LITERAL:
            return self.literals.setdefault(segment.text, Node(self.depth + 1))
        if segment.kind is Kind.UNTYPED:
            if self.untyped is None:
                self.untyped = Node(self.depth + 1, segment.text)
            return self.untyped
        for known, node in self.typed:
            if known is segment.type:
                return node
        node = Node(self.depth + 1, segment.text)
        self.typed.append((segment.type, node))
        self.typed.sort(key=lambda choice: choice[0].place)
        return node

    def children(self) -> list['Node']:
        """Return the nodes that segments lead to from here."""
        found = [*self.literals.values(), *(child for _, child in self.typed)]
        if self.untyped is not None:
            found.append(self.untyped)
        return found

    def nodes(self) -> Iterator['Node']:
        """Give this node and all below it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.children()

    @property
    def is_fork(self) -> bool:
        """Whether a path can go on from here in several ways."""
        return bool(self.literals) + len(self.typed) + (self.untyped is not None) + bool(self.rest) > 1

    def parameters(self, text: str) -> 'list[tuple[Node, Any]]':
        """Return where the parameters lead that take a text, the best first, each with its value."""
        found: list[tuple[Node, Any]] = []
        for kind, child in self.typed:
            try:
                found.append((child, kind.convert(text)))
            except Exception:
                continue
        if self.untyped is not None:
            found.append((self.untyped, text))
        return found

    def first_typed(self, text: str) -> tuple['Node | None', Any]:
        """Return where the first type that takes a text leads, with its value; the untyped parameter if none does."""
        for kind, child in self.typed:
            try:
                return child, kind.convert(text)
            except Exception:
                continue
        return self.untyped, text

    def found_rest(self, method: str, path: str, params: dict[str, Any] | None) -> 'Found':
        """Return the endpoint of the rest from here, with the rest of the path among its parameters."""
        endpoint = self.rest.get(method) or self.rest.get(ANY_METHOD)
        if endpoint is None or endpoint.needs_search:
            return NOTHING
        params = params or {}
        params['*'] = path.split('/', self.depth + 1)[-1]
        return endpoint, params


class Match(NamedTuple):
    """An endpoint, and the parameters of the path."""

    endpoint: Endpoint
    params: dict[str, Any] | None


class Router:
    """Finds the endpoint of a method and a path."""

    def __init__(self) -> None:
        self.start: Node = Node(-1)  # before the first slash
        self.root: Node = Node(0)
        self.start.literals[''] = self.root
        self.literals: dict[str, dict[str, Endpoint]] = {}  # whole paths without parameters, with and without a slash
        self.missing: Endpoint | None = None  # what answers a path of which not even the first segment is known
        self.tails: dict[str, dict[str, Endpoint]] = {}  # by what stands before an untyped parameter at the end

    def add(self, pattern: Pattern, endpoint: Endpoint) -> Endpoint:
        """Add an endpoint; return it, or the one that has its method and shape already."""
        node = self.root
        for segment in pattern.segments:
            if segment.kind is Kind.REST:
                return node.rest.setdefault(endpoint.method, endpoint)
            node = node.child(segment)
        return node.endpoints.setdefault(endpoint.method, endpoint)

    def tables(self) -> Iterator[dict[str, Endpoint]]:
        """Give the endpoints of every pattern, by method."""
        for node in self.root.nodes():
            if node.endpoints:
                yield node.endpoints
            if node.rest:
                yield node.rest

    def methods(self) -> set[str]:
        """Return every method that some route has."""
        return {method for table in self.tables() for method in table}

    def freeze(self) -> None:
        """Note the paths that are routes as they stand, and what only the search can name, once nothing is added."""
        self._mark_renamed(self.root, ())
        waiting = [('', self.root)]
        while waiting:
            path, node = waiting.pop()
            if node.endpoints:
                self.literals[path or '/'] = node.endpoints
                self.literals[f'{path}/'] = node.endpoints
            has_better = node.typed or any(child.rest for child in node.literals.values())
            if node.untyped is not None and node.untyped.endpoints and not has_better:
                self.tails[path] = node.untyped.endpoints
            waiting += [(f'{path}/{text}', child) for text, child in node.literals.items()]
        for node in self.root.nodes():
            for child in node.children():
                child.has_other_ways = node.has_other_ways or node.is_fork

    def _mark_renamed(self, node: Node, names: tuple[str, ...]) -> None:
        """Leave to the search what names a parameter differently than another route of its shape."""
        for table in (node.endpoints, node.rest):
            for method, endpoint in table.items():
                if endpoint.names != names:
                    table[method] = endpoint.replace(needs_search=True)
        for child in node.children():
            self._mark_renamed(child, (*names, child.name) if child.name else names)

    def lookup(self, method: str, path: str) -> Found:
        """Find the endpoint of a path that is not in `literals`, and its parameters: the best choice at each segment.

        Nothing where that ends nowhere, or where the path may be read in another way, or where the endpoint says so: it
        takes the search. Of a text that a parameter would take, `text < '/'` says that it is empty or begins with a dot
        (or another of fifteen rare characters), in one comparison; any other cannot be read in another way. The
        parameters are put together on the way, for `dict(zip(names, values))` takes as long as the whole walk.
        """
        start, slash, last = path.rpartition('/')
        table = self.tails.get(start)
        if table is not None and slash and last > '/':
            endpoint = table.get(method)
            if endpoint is not None and not endpoint.needs_search:
                return endpoint, {endpoint.names[0]: last}
        node = self.start
        params: dict[str, Any] | None = None
        for text in path.split('/'):
            child = node.literals.get(text)
            if child is None:
                if text < '/':
                    if text or '//' in path:
                        return NOTHING
                    break  # the slash at the end
                value: Any = text
                child = node.untyped
                if node.typed:
                    child, value = node.first_typed(text)
                if child is None:
                    return self._at_dead_end(node, method, path, params)
                if params is None:
                    params = {child.name: value}
                else:
                    params[child.name] = value
            node = child
        endpoint = node.endpoints.get(method)
        if endpoint is None or endpoint.needs_search:
            return NOTHING
        return endpoint, params

    def _at_dead_end(self, node: Node, method: str, path: str, params: dict[str, Any] | None) -> Found:
        """Find the endpoint where the best choices lead no further; nothing if the path can be read in more ways."""
        if '//' in path or '/.' in path:
            return NOTHING
        if node.rest:
            return node.found_rest(method, path, params)
        if node is self.root:
            return (self.missing, None) if method == 'GET' else NOTHING
        if not node.has_other_ways:
            return NOTHING
        found = self.search(method, path.split('/')[1:])
        if not isinstance(found, Match) or found.endpoint.hooks_depend_on_path:
            return NOTHING
        return found

    def search(self, method: str, segments: Sequence[str]) -> Match | set[str]:
        """Find the endpoint of a path, given as its segments; return the methods that the path has if there is none."""
        size = len(segments)
        if not segments[-1]:
            size -= 1
        allowed = set[str]()
        return self._search(self.root, method, segments, size, 0, (), allowed) or allowed

    def _search(
        self, node: Node, method: str, segments: Sequence[str], size: int, depth: int, values: Values, allowed: set[str]
    ) -> Match | None:
        if depth == size:
            if node.endpoints:
                endpoint = node.endpoints.get(method) or node.endpoints.get(ANY_METHOD)
                if endpoint is not None:
                    return Match(endpoint, paired(endpoint.names, values))
                allowed.update(node.endpoints)
        else:
            text = segments[depth]
            child = node.literals.get(text)
            if child is not None:
                found = self._search(child, method, segments, size, depth + 1, values, allowed)
                if found is not None:
                    return found
            for child, value in node.parameters(text) if text else ():  # an empty segment is no parameter
                found = self._search(child, method, segments, size, depth + 1, (*values, value), allowed)
                if found is not None:
                    return found
        if node.rest:
            endpoint = node.rest.get(method) or node.rest.get(ANY_METHOD)
            if endpoint is not None:
                params = paired(endpoint.names, values)
                params['*'] = '/'.join(segments[depth:])
                return Match(endpoint, params)
            allowed.update(node.rest)
        return None


def paired(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """Return the parameters of a path."""
    if len(names) == 1:
        return {names[0]: values[0]}
    return dict(zip(names, values, strict=True))
