"""Tables of prices that were imported to be seen beside the news."""

from __future__ import annotations

from django.db import models


class Price(models.Model):
    """The closing price of a company on a day."""

    company = models.ForeignKey("market.Company", on_delete=models.CASCADE, related_name="prices")
    day = models.DateField()
    close = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "day"], name="market_price_once")]

    def __str__(self) -> str:
        return f"{self.company_id} {self.day}: {self.close}"
