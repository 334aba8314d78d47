"""An ASGI application behind asgi-matomo, asked for two pages."""

import asyncio
import logging
import sys

from asgi_matomo import MatomoMiddleware


class Complaints(logging.Handler):
    def emit(self, record):
        sys.exit(record.getMessage())


logging.getLogger().addHandler(Complaints(level=logging.ERROR))


async def page(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


async def main():
    application = MatomoMiddleware(
        page, matomo_url=f"{sys.argv[1]}/matomo.php", idsite=7, access_token="not needed here"
    )
    for address in ["192.0.2.1", "192.0.2.2"]:
        agent = b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/from/python",
            "query_string": b"",
            "scheme": "https",
            "server": ("site.test", 443),
            "client": (address, 40000),
            "headers": [(b"user-agent", agent)],
        }

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            pass

        await application(scope, receive, send)
    await application.shutdown()


asyncio.run(main())
