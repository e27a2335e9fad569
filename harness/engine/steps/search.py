"""``search``: a searchset, page after page (search.html, http.html#search, #paging)."""

from urllib.parse import urljoin

from harness.engine.exchange import Exchange, Request
from harness.engine.steps.call import Call, Conversation, request, same_origin


def search(call: Call) -> Conversation:
    """GET [base]/[type]?[params], then the ``next`` links, at most ``pages`` pages in all.

    A link is followed only where it leads to the candidate itself and to a page not seen before.
    """
    first = request(call, "GET", call.path)
    exchange = yield first
    seen = {first.url}
    for _ in range(call.pages - 1):
        following = following_page(exchange, call.base, seen)
        if following is None:
            return
        seen.add(following)
        exchange = yield Request("GET", following, first.headers)


def following_page(exchange: Exchange, base: str, seen: set[str]) -> str | None:
    """Return the URL of the next page, or None when there is none to follow."""
    url = next_link(exchange)
    return url if url is not None and url not in seen and same_origin(base, url) else None


def next_link(exchange: Exchange) -> str | None:
    """Return the absolute URL of the Bundle's ``next`` link, or None."""
    resource = exchange.response.resource if exchange.response else None
    links = resource.get("link") if isinstance(resource, dict) else None
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("relation") == "next" and isinstance(link.get("url"), str):
            try:
                return urljoin(exchange.request.url, str(link["url"]))
            except ValueError:
                return str(link["url"])
    return None
