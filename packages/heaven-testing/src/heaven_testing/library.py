"""The httpx that the clients are made of: httpx2 where it is installed, else httpx. Both have the same API."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx
else:
    try:
        import httpx2 as httpx
    except ModuleNotFoundError as error:
        if error.name != 'httpx2':  # it is there, and broken
            raise
        import httpx

__all__ = ['httpx']
