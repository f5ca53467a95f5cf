"""Users with one role each, and the audit log."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a person does in the suite; an administrator may do everything.

    A team lead does what operators and analysts do, and teaches the models what they corrected.
    """

    MEMBER = "member", _("Member")
    OPERATOR = "operator", _("Operator")
    ANALYST = "analyst", _("Analyst")
    LEAD = "lead", _("Team lead")
    ADMINISTRATOR = "administrator", _("Administrator")


class User(AbstractUser):
    """A person who signs in."""

    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)
    language = models.CharField(max_length=12, blank=True)
    """Of the pages; empty: what the browser asks for."""

    def save(self, *args: object, **kwargs: object) -> None:
        if self.is_superuser:
            self.role = Role.ADMINISTRATOR
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username

    @property
    def is_operator(self) -> bool:
        return self.is_active and self.role in (Role.OPERATOR, Role.LEAD, Role.ADMINISTRATOR)

    @property
    def is_analyst(self) -> bool:
        return self.is_active and self.role in (Role.ANALYST, Role.LEAD, Role.ADMINISTRATOR)

    @property
    def is_lead(self) -> bool:
        return self.is_active and self.role in (Role.LEAD, Role.ADMINISTRATOR)

    @property
    def is_administrator(self) -> bool:
        return self.is_active and self.role == Role.ADMINISTRATOR


class AuditEntry(models.Model):
    """Who did what to which object; never changed once written."""

    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60, blank=True)
    object_id = models.CharField(max_length=60, blank=True)
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M} {self.action}"
