"""The tables of the news monitor, by one name: each is in a module of its own matter."""

from __future__ import annotations

from apps.market.alerting_models import AlertEntry as AlertEntry
from apps.market.alerting_models import Silence as Silence
from apps.market.company_models import Company as Company
from apps.market.company_models import UnlinkedName as UnlinkedName
from apps.market.company_models import WatchedCompany as WatchedCompany
from apps.market.delivery_models import Channel as Channel
from apps.market.delivery_models import Delivery as Delivery
from apps.market.delivery_models import DeliveryTry as DeliveryTry
from apps.market.delivery_models import Digest as Digest
from apps.market.delivery_models import Handling as Handling
from apps.market.detection_models import Anomaly as Anomaly
from apps.market.detection_models import Detector as Detector
from apps.market.layout_models import Layout as Layout
from apps.market.meaning_models import Meaning as Meaning
from apps.market.name_models import DatedName as DatedName
from apps.market.name_models import NameDecision as NameDecision
from apps.market.news_models import Article as Article
from apps.market.news_models import Fingerprint as Fingerprint
from apps.market.news_models import Mention as Mention
from apps.market.news_models import Source as Source
from apps.market.price_models import Price as Price
from apps.market.replay_models import Replay as Replay
from apps.market.replay_models import ReplayRow as ReplayRow
from apps.market.review_models import LinkCorrection as LinkCorrection
from apps.market.review_models import ReviewSkip as ReviewSkip
from apps.market.rule_models import Alert as Alert
from apps.market.rule_models import Rule as Rule
from apps.market.score_models import PastScore as PastScore
from apps.market.score_models import Score as Score
from apps.market.score_models import Sentiment as Sentiment
