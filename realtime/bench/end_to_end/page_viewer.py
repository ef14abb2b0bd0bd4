"""Receives the web sink's pictures as a browser does.

    python -m realtime.bench.end_to_end.page_viewer URL

It is a separate program, so that receiving them costs the measured process nothing.
"""

import asyncio
import sys

import aiohttp


async def watch(url: str) -> int:
    """Count the pictures until the stream at `url` (a WebSocket) ends."""
    pictures = 0
    async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=0) as page:
        async for message in page:
            pictures += message.type == aiohttp.WSMsgType.BINARY
    return pictures


if __name__ == "__main__":
    asyncio.run(watch(sys.argv[1]))
