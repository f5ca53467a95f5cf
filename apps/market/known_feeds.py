"""Public feeds that are followed with one click, so that live news needs no search for addresses.

Agencies whose announcements move markets, whose terms let anybody keep and use them; the licence
note of each says by what right. Nothing is fetched until an analyst follows one.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_noop

_US_WORK = gettext_noop("Work of the US government, no copyright (17 U.S.C. 105)")


@dataclass(frozen=True, slots=True)
class KnownFeed:
    """A feed with what its source's settings are to be."""

    name: str
    url: str
    licence: str
    time_zone: str
    interval_seconds: int


KNOWN_FEEDS: tuple[KnownFeed, ...] = (
    KnownFeed(
        gettext_noop("US Securities and Exchange Commission"),
        "https://www.sec.gov/news/pressreleases.rss",
        _US_WORK,
        "America/New_York",
        900,
    ),
    KnownFeed(
        gettext_noop("US Federal Reserve"),
        "https://www.federalreserve.gov/feeds/press_all.xml",
        _US_WORK,
        "America/New_York",
        900,
    ),
    KnownFeed(
        gettext_noop("US Federal Trade Commission"),
        "https://www.ftc.gov/feeds/press-release.xml",
        _US_WORK,
        "America/New_York",
        900,
    ),
    KnownFeed(
        gettext_noop("US Energy Information Administration"),
        "https://www.eia.gov/rss/todayinenergy.xml",
        _US_WORK,
        "America/New_York",
        3600,
    ),
    KnownFeed(
        gettext_noop("European Central Bank"),
        "https://www.ecb.europa.eu/rss/press.html",
        gettext_noop("Free use, the ECB named as source"),
        "Europe/Berlin",
        900,
    ),
)


def known_feed(url: str) -> KnownFeed | None:
    """The known feed of that address."""
    return next((feed for feed in KNOWN_FEEDS if feed.url == url), None)
