"""The web server of `make view`: on 127.0.0.1 only, for whoever has the token, and for no other site's pages.

Everything lies below /TOKEN/. A request with another Host (a name that somebody has led to 127.0.0.1), from another
Origin, or without the token, is refused before anything is looked at.
"""

import asyncio
import contextlib
import hmac
import logging
import secrets
from pathlib import Path

from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp.http_exceptions import HttpProcessingError

from live_page.session import Refused, Session, Tab

ADDRESS = "127.0.0.1"
PAGE = Path(__file__).parent / "page"
FILES = {
    "": ("index.html", "text/html"),
    "page.js": ("page.js", "text/javascript"),
    "drawing.js": ("drawing.js", "text/javascript"),
    "page.css": ("page.css", "text/css"),
    "xterm.js": ("xterm/xterm.js", "text/javascript"),
    "xterm.css": ("xterm/xterm.css", "text/css"),
}
HEADERS = {
    # xterm.js and the drawing bring styles of their own; scripts come from here alone.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# How often a tab must show that it is there, how long its good-bye may take, and the longest that it may say at once.
HEARTBEAT_S, GOODBYE_S, LONGEST_MESSAGE = 20, 1, 256 << 10
SESSION, TOKEN, ORIGINS = web.AppKey("session", Session), web.AppKey("token", str), web.AppKey("origins", list)
SOCKETS = web.AppKey("sockets", set)


@web.middleware
async def guard(request, handler):
    """Let in who has the right Host, Origin and token; say to everybody else what is wrong."""
    hosts = [origin.removeprefix("http://") for origin in request.app[ORIGINS]]
    origin = request.headers.get("Origin")
    if request.headers.get("Host") not in hosts:
        return refusal(f"this page is at {hosts[0]}, and under no other name")
    if origin is not None and origin not in request.app[ORIGINS]:
        return refusal("another site's page may not come here")
    if origin is None and request.headers.get("Upgrade"):
        return refusal("a web socket without an Origin comes from no browser")
    token = request.raw_path.removeprefix("/").partition("/")[0]
    if not hmac.compare_digest(token.encode(errors="replace"), request.app[TOKEN].encode()):
        return refusal("the address lacks the token: open the one that `make view` has printed")
    return await handler(request)


def refusal(why):
    """Return the answer to who may not come in."""
    return web.Response(status=403, text=f"clew: {why}\n", headers=HEADERS)


async def file(request):
    """Send one of the page's files."""
    name, kind = FILES.get(request.match_info["name"], (None, None))
    if name is None:
        return web.Response(status=404, text="clew: there is no such file\n", headers=HEADERS)
    return web.Response(body=(PAGE / name).read_bytes(), content_type=kind, charset="utf-8", headers=HEADERS)


async def live(request):
    """One tab, from its coming to its going."""
    socket = web.WebSocketResponse(timeout=GOODBYE_S, heartbeat=HEARTBEAT_S, max_msg_size=LONGEST_MESSAGE)
    await socket.prepare(request)
    session, tab = request.app[SESSION], Tab()
    session.enter(tab)
    request.app[SOCKETS].add(socket)
    sender = asyncio.create_task(send_news(socket, tab))
    try:
        async for message in socket:
            try:
                if message.type == WSMsgType.BINARY:
                    await session.type(message.data)
                elif message.type == WSMsgType.TEXT:
                    session.obey(tab, message.data)
            except Refused as error:
                tab.tell("refused", why=str(error))
    finally:
        session.leave(tab)
        request.app[SOCKETS].discard(socket)
        sender.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sender
    return socket


async def send_news(socket, tab):
    """Send a tab what there is for it, until it has gone."""
    with contextlib.suppress(ConnectionError):
        while not socket.closed:
            console, messages = await tab.news()
            if console:
                await socket.send_bytes(console)
            for message in messages:
                await socket.send_json(message)


def is_fault_of_ours(record):
    """Answer whether a line of the log is about this program: what is no request of HTTP was answered with 400."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


async def close_sockets(app):
    """Say good-bye to the tabs: we end. One that does not listen is not waited for."""
    goodbyes = [asyncio.create_task(socket.close(code=WSCloseCode.GOING_AWAY)) for socket in app[SOCKETS]]
    if goodbyes:
        _, unheard = await asyncio.wait(goodbyes, timeout=GOODBYE_S)
        for each in unheard:
            each.cancel()


def application(session, token):
    """Return the aiohttp application for a session. Its ORIGINS are known when its port is."""
    app = web.Application(middlewares=[guard])
    app[SESSION], app[TOKEN], app[ORIGINS], app[SOCKETS] = session, token, [], set()
    app.on_shutdown.append(close_sockets)
    app.add_routes([web.get("/{token}/live", live), web.get("/{token}/{name:.*}", file)])
    return app


async def serve(port, announce):
    """Serve a page with a machine until cancelled; announce(URL) when it is there. Raises OSError: no such port."""
    session, token = Session(), secrets.token_urlsafe(24)
    app = application(session, token)
    logging.getLogger("aiohttp.server").addFilter(is_fault_of_ours)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, ADDRESS, port)
        await site.start()
        port = runner.addresses[0][1]
        app[ORIGINS].extend([f"http://{ADDRESS}:{port}", f"http://localhost:{port}"])
        announce(f"http://{ADDRESS}:{port}/{token}/")
        await session.run()
    finally:
        await runner.cleanup()
