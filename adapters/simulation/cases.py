"""The requests that are filed: by whom, about what, against whom."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from adapters.simulation.lives import Step, begin
from adapters.simulation.market import Life, Market, identifier
from domain.complaint import filing
from domain.complaint.state import RequestKind
from domain.merchant.volumes import STAGES
from domain.streams import COMPLAINT
from domain.values import Actor, Channel, Code, Money, Role

GOODS = (
    ("电饭锅", "不加热"),
    ("rice cooker", "does not heat"),
    ("羽绒服", "掉色"),
    ("phone", "screen went black within a week"),
    ("健身卡", "门店关闭, 余额不退"),
    ("gym membership", "the studio closed, and the balance is gone"),
    ("机票", "退票费过高"),
    ("live-stream necklace", "not the gold that was promised"),
    ("奶粉", "过期"),
    ("hotel room", "double-booked"),
    ("耳机", "七天无理由退货被拒"),
    ("kettle", "broken after ten days"),
    ("书桌", "一直未发货"),
)
TALES = ("第二次维修后仍然无法使用。", "The second one within a month.", "商家拒绝退款。", "They stopped answering.")


def open_case(market: Market, number: int, at: datetime) -> tuple[Life, list[Step]]:
    """File request ``number`` at a time."""
    chance = Random(f"{market.name}:case:{number}")
    shop = market.shop(chance)
    consumer = Actor(identifier(market.name, "consumer", number), Role.CONSUMER)
    stream = f"complaint-{identifier(market.name, 'complaint', number)}"
    case = Life(COMPLAINT, stream, market, number, shop, consumer, at=at)
    kind = chance.choices(tuple(RequestKind), weights=(84, 9, 5, 2))[0]
    goods, fault = chance.choice(GOODS)
    joint = kind is RequestKind.COMPLAINT and chance.random() < 0.01
    price = Money(fen=int(10 ** chance.uniform(3, 6.5)))
    order = None
    if kind is RequestKind.COMPLAINT and chance.random() < 0.6:
        order = filing.Order(
            source="market",
            reference=f"{number}",
            purchased_at=at - timedelta(hours=chance.uniform(1, 24 * 50)),
            amount=price,
            merchant_id=shop.merchant_id,
            platform=shop.platform or None,
            payment_provider=identifier(market.name, "payment", 0),
            receipt=f"{chance.getrandbits(256):064x}",
        )
    stages = market.book.code_lists.get(STAGES)
    arguments = {
        "consumer_id": consumer.id,
        "channel": chance.choice((Channel.APP, Channel.WEB, Channel.PHONE, Channel.WECHAT, Channel.ALIPAY)),
        "product": goods,
        "issue": fault,
        "kind": kind,
        "region": Code(scheme=filing.DIVISIONS, value=shop.region),
        "claim": price if kind is RequestKind.COMPLAINT else None,
        "narrative": chance.choice(TALES),
        "anonymous": kind is RequestKind.REPORT and chance.random() < 0.3,
        "order": order,
        "joint": filing.Joint(incident=f"{goods}: {fault}", representatives=(consumer.id,)) if joint else None,
        "stage": chance.choice(tuple(stages.entries)) if stages is not None and chance.random() < 0.8 else None,
    }
    return case, begin(case, at, consumer, arguments)
