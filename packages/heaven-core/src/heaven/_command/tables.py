"""Columns of text, for a terminal of 80 columns."""

from collections.abc import Sequence

WIDTH = 80
GAP = 2
WIDEST = 30  # of a column; a cell that is wider moves what comes after it in its own line alone


def table(rows: Sequence[Sequence[str]], indent: int) -> list[str]:
    """Return the lines of a table; where a line would be too long, its last cell stands on one of its own.

    Rows may be short: the last cell of a row takes the room that there is.
    """
    count = max((len(row) for row in rows), default=0)
    widths = [width_of([row[at] for row in rows if at < len(row) - 1]) for at in range(count)]
    lines: list[str] = []
    for row in rows:
        *cells, last = row
        line = ' ' * indent
        for cell, width in zip(cells, widths, strict=False):
            if cell or width:
                line += cell.ljust(width) + ' ' * GAP
        if len(line) + len(last) > WIDTH and cells:
            lines.append(line.rstrip())
            line = ' ' * (indent + widths[0] + GAP)
        lines.append((line + last).rstrip())
    return lines


def width_of(cells: Sequence[str]) -> int:
    """Return the width of a column, that of its widest cell within the limit."""
    return max((len(cell) for cell in cells if len(cell) <= WIDEST), default=0)
