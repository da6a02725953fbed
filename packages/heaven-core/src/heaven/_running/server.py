"""uvicorn, with an end that does not wait for what never ends: open streams and sockets are ended first.

uvicorn tells the app to shut down when all of its connections have closed, and until then a stream does not know. Here
the apps of Heaven drain before that, wherever they are mounted. What is not ours, uvicorn ends as ever.
"""

import asyncio
import os
import sys
from inspect import signature
from socket import socket
from typing import Any

from uvicorn import Config, Server
from uvicorn.supervisors import ChangeReload, Multiprocess, multiprocess

from heaven._serving.draining import drain_all

PATIENCE = 2.0  # seconds that draining has before the rest of the stop begins, which goes on beside it
STARTUP_FAILURE = 3  # the exit code, as uvicorn has it
GRACEFUL: Any = 10  # seconds that requests have to end by themselves


class DrainingServer(Server):
    """Serves one process."""

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Take no more connections, end what would never end, and stop as uvicorn does."""
        for server in self.servers:
            server.close()
        draining = asyncio.create_task(drain_all())
        await asyncio.wait([draining], timeout=PATIENCE)
        await super().shutdown(sockets)


class Worker(multiprocess.Process):
    """One of several processes, as uvicorn supervises them."""

    @property
    def server(self) -> Server:
        """The server of this process, made in it."""
        if self._server is None:
            self._server = DrainingServer(self.config)
        return self._server


def serve(app: Any, **options: Any) -> None:
    """Serve an app, or with `reload` or `workers` what an import string names, until the process is told to stop.

    The options are uvicorn's. SystemExit(3) if the app does not start, as uvicorn has it.
    """
    config = Config(app, **{'timeout_graceful_shutdown': GRACEFUL} | options)
    server = DrainingServer(config)
    try:
        if config.should_reload:
            ChangeReload(config, target=server.run, sockets=[config.bind_socket()]).run()
        elif config.workers > 1:
            supervise(config, server)
        else:
            server.run()
    except KeyboardInterrupt:
        pass
    finally:
        if config.uds and os.path.exists(config.uds):
            os.remove(config.uds)
    if not config.use_subprocess and not server.started:
        sys.exit(STARTUP_FAILURE)


def supervise(config: Config, server: Server) -> None:
    """Serve with several processes; SystemExit(3) if one of them cannot start the app.

    Older versions of uvicorn are given what a process runs. Later ones make it of a class that they look up by name.
    """
    make: Any = Multiprocess
    if 'target' in signature(Multiprocess).parameters:
        make(config, target=server.run, sockets=[config.bind_socket()]).run()
        return
    setattr(multiprocess, 'Process', Worker)  # noqa: B010 (to a type checker it is a constant)
    supervisor = make(config, sockets=[config.bind_socket()])
    supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        sys.exit(STARTUP_FAILURE)
