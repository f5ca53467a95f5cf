"""Words that tell companies from other things: what companies do, and other senses of names."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

WILL_DO = frozenset(
    """
    acquire add adopt appoint ask axe ban bid block boost borrow bring build buy cancel cap cease
    change charge close combine cut deliver double drop end exit expand explore extend face file
    fire float freeze fund give halt halve hand hire idle increase introduce invest issue join keep
    kill launch lay leave let license lift limit list lower make merge move offer open outsource
    overhaul pare pause pay phase post produce pull purchase push quit raise recall reduce refund
    rehire relist reopen replace report restart restore resume retire return revamp roll scrap seek
    sell settle shed shift ship shut sign slash spend spin split start stop sue supply suspend swap
    take test trim unload unveil use weigh win withdraw
    """.split()  # noqa: SIM905
)
"""What companies plan ("Shell to sell"), in the form that follows "to"."""

_MORE_ACTS = frozenset(
    """
    agreed agrees announced announces became beat beats bought built climbs confirms cut declares
    declines delays denies drops eases ended expects falls fell files fined gained gains grew grows
    held hikes hit hits holds jumped jumps lags lands laid lays leads loses lost lowered maintained
    maintains misses missed named names narrows nears opened orders ousted ousts outpaces owns paid
    plans plunged plunges posted predicts prices profits prepares prospers raised rallied rallies
    ramps reached reaches recalled rejects reported reveals rises rose said says sank sees signed
    sinks slid slides slipped slips slumped slumps soared soars sold starts steps struggles sues
    sued suffers surged surges surpasses suspended swings targets tells thrives tightens
    topped tops traded trades tumbled tumbles urges values wants warned warns won woos
    """.split()  # noqa: SIM905
)


def _third_person(verb: str) -> str:
    if verb.endswith(("s", "x", "ch", "sh", "z")):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if verb.endswith("y") and verb[-2] not in "aeou" else f"{verb}s"


ACTS = _MORE_ACTS | frozenset(_third_person(verb) for verb in WILL_DO) - {"ends", "uses", "lists"}
"""What companies do in headlines. A plural noun does not go with these ("Travelers books")."""

BUSINESS = frozenset(
    """
    share shares stock stocks shareholder shareholders investor investors profit profits revenue
    revenues earnings results quarter quarterly annual dividend dividends buyback ceo cfo chief
    executive chairman chairwoman analyst analysts guidance forecast forecasts outlook sales
    margin margins acquisition merger takeover bid stake deal ipo listing listed debt bond bonds
    loan loans regulator regulators antitrust lawsuit rating ratings upgrade upgraded downgrade
    downgraded nasdaq nyse ftse premarket trading traded market markets company firm group retailer
    maker owner operator insurer lender bank unit subsidiary rival customers factory plant layoffs
    staff workers jobs billion million bn percent pct estimates loss losses premium premiums
    subscribers franchisees stores pilots boss executives brokers fined outage users parks
    """.split()  # noqa: SIM905
)
"""What news about companies speaks of."""

ACRONYMS = frozenset(
    """
    AFL AGM ALS API APR ASEAN ATM AUD BBC BNP BOE BOJ BRICS BYD CAD CBO CDC CEO CES CFO CHF CIA CIO
    CNY COO COP COVID CPI CTO DNA DOE DOJ DUI EBIT ECB EMEA EPA EPS ESG ETF ETFS EUR EURO EVS FAA
    FBI FCA FCC FDA FED FIFA FOMC FTC FTSE FX GBP GDP GOP GPS HIV HMRC HUD IAEA ICE IEA ILO IMF INR
    IPO IRA IRS ISM JPY KYC LGBT LLC LLM LNG LPG MBA MEP MIT MOU MPC NASA NATO NBA NDA NFL NGO NGOS
    NHL NHS NIH NLRB NYC OECD OPEC OSHA PBOC PCE PGA PIN PMI PPI PPP QE RBA RBI RBNZ REIT RNA ROI
    SEC SNB SPAC SUV SUVS TSA TUC UAE UAW UBI UFC UNESCO USA USD USDA USMCA VAT VIP WHO WTI WTO YEN
    """.split()  # noqa: SIM905
)
"""Acronyms of the news that are tickers too; bare, without a mark, they mean the former."""

_OTHER_SENSES: dict[str, str] = {
    "amazon": "rainforest river jungle forest deforestation tribe indigenous",
    "apple": "pie growers harvest orchard orchards juice cider tree trees farmers crop cake sauce",
    "android": "robot humanoid",
    "best buy": "ten list ideas",
    "block": "trading voting ice apartment tower city office",
    "boots": "hiking leather ski army",
    "box": "office ballot black cardboard lunch",
    "carnival": "rio samba parade notting cologne street costumes",
    "carrier": "aircraft mail naval disease",
    "caterpillar": "plague moth larvae butterfly",
    "chase": "police car high cup after title",
    "coke": "furnace coking oven",
    "constellation": "satellite satellites stars",
    "corona": "sun solar",
    "delta": "variant mekong nile river niger okavango mississippi rice yangtze",
    "discover": "scientists researchers archaeologists astronomers",
    "dove": "dovish hawk peace white",
    "evolution": "theory human",
    "fiat": "currency money currencies",
    "ford": "harrison gerald tom river crossing betty foundation",
    "fox": "red hunting hunt urban",
    "gap": "pay gender trade wealth skills budget funding output closing price yield fiscal",
    "genie": "bottle",
    "goodyear": "blimp",
    "hilton": "paris perez",
    "hess": "rudolf",
    "intel": "western military classified agencies",
    "jaguar": "cub cubs zoo",
    "key": "rate lending witness role interest",
    "lemonade": "stand homemade glass",
    "lincoln": "abraham president memorial",
    "lilly": "king collins",
    "marshalls": "islands",
    "match": "cricket football tennis test boxing",
    "merck": "kgaa darmstadt",
    "meta": "analysis study",
    "monopoly": "state duopoly break",
    "monster": "storm wave truck loch film",
    "mustang": "wild horses",
    "nest": "egg bird birds",
    "nike": "goddess",
    "oracle": "delphi omaha delphic",
    "orange": "juice peel county revolution",
    "origin": "country rules",
    "paramount": "importance remains",
    "patriot": "act games",
    "pilot": "programme program scheme",
    "progressive": "senators senator wing caucus democrats taxation tax rock party voters left",
    "pulse": "check heart",
    "root": "cause vegetables",
    "shell": "egg game nut casing artillery",
    "slack": "labour labor cut capacity",
    "snap": "election elections vote poll judgment cold",
    "snowflake": "generation",
    "southwest": "china france england monsoon wind",
    "spirit": "holy festive",
    "sprint": "final 100m gold olympic finish marathon",
    "square": "root red tiananmen trafalgar times metres feet miles tahrir",
    "stone": "age",
    "tapestry": "bayeux",
    "target": "inflation emissions climate deficit carbon date export",
    "tesla": "nikola coil",
    "tide": "turns turning high rising red low",
    "toast": "raised avocado french",
    "travelers": "face stranded airport delayed wary must facing",
    "twitch": "eye muscle",
    "unity": "national call government party leaders front",
    "vale": "glamorgan",
    "vans": "delivery police electric",
    "visa": "rules requirements application applications embassy tourist student holders free "
    "entry waiver waivers immigration on-arrival h1b overstay ban golden",
    "vertex": "graph triangle",
    "wells": "oil water drilling gas orson",
    "windows": "doors glass broken shop double shattered",
    "zoom": "lens residents out call meeting",
}
"""Per name the words near it that go with another sense than the company."""

_SENSES = {name: frozenset(words.split()) for name, words in _OTHER_SENSES.items()}


def other_sense(name: str, near: AbstractSet[str]) -> bool:
    """Whether one of the words ``near`` a name (both as keys) goes with another sense of it."""
    return not _SENSES.get(name, frozenset()).isdisjoint(near)
