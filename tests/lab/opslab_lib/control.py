"""The lab's control socket: one JSON object asks, one answers. Only the folder's owner can reach it."""

import asyncio
import json
import os
import socket

from .state import LabError

NAME = "control"  # relative, for a socket's path may have 107 bytes only


async def serve(handle):
    """Serve in the current folder. handle(request) -> answer, both dicts."""

    async def talk(reader, writer):
        try:
            request = json.loads(await reader.readline())
            answer = handle(request)
        except LabError as err:
            answer = {"error": str(err)}
        except (ValueError, KeyError, TypeError) as err:
            answer = {"error": f"malformed request: {err}"}
        try:
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    return await asyncio.start_unix_server(talk, NAME)


def ask(state, request, timeout_s=60):
    """Ask the lab that runs in the state folder."""
    here = os.open(".", os.O_PATH | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(timeout_s)
            os.chdir(state.path)
            sock.connect(NAME)
            os.fchdir(here)
            sock.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(sock.makefile("rb").readline() or b"{}")
    except (FileNotFoundError, NotADirectoryError, ConnectionError):
        raise LabError(f"no lab runs in {state.path}; start one with: opslab start --dir {state.path} --detach") from None
    except TimeoutError:
        raise LabError(f"the lab in {state.path} does not answer; see {state.path}/logs/lab.log") from None
    finally:
        os.fchdir(here)
        os.close(here)
    if "error" in answer:
        raise LabError(answer["error"])
    return answer
