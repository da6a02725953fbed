"""Columns of text, for a terminal of 80 columns."""

from collections.abc import Sequence

WIDTH = 80
GAP = 2


def table(rows: Sequence[Sequence[str]], indent: int) -> list[str]:
    """Return the lines of a table; where a line would be too long, its last cell stands on one of its own.

    Rows may be short: the last cell of a row takes the room that there is.
    """
    count = max((len(row) for row in rows), default=0)
    widths = [max((len(row[at]) for row in rows if at < len(row) - 1), default=0) for at in range(count)]
    lines: list[str] = []
    for row in rows:
        *cells, last = row
        line = ' ' * indent
        for cell, width in zip(cells, widths, strict=False):
            line += cell.ljust(width + GAP) if width else ''
        if len(line) + len(last) > WIDTH and cells:
            lines.append(line.rstrip())
            line = ' ' * (indent + widths[0] + GAP)
        lines.append((line + last).rstrip())
    return lines
