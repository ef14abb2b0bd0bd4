"""Takes the web sink's pictures as a browser does: `python -m realtime.bench.viewer URL`.

A program of its own, so that taking the pictures is no work of the process that is measured.
"""

import asyncio
import sys

import aiohttp


async def watch(url: str) -> int:
    """How many pictures came before the stream at `url` (ws) ended."""
    pictures = 0
    async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=0) as page:
        async for message in page:
            pictures += message.type == aiohttp.WSMsgType.BINARY
    return pictures


if __name__ == "__main__":
    asyncio.run(watch(sys.argv[1]))
