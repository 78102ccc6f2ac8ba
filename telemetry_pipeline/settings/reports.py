"""When reports are made, where they are kept, and how they are mailed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr

from telemetry_pipeline.settings.values import Cron, Days, HttpUrl, MailAddress, ReportsUrl, SmtpUrl


class ReportSettings(BaseModel):
    """When reports are made, and where they are kept."""

    daily_report_cron: Cron = Field(
        default="0 8 * * *", description="When the report of yesterday is due, where the operator is."
    )
    weekly_report_cron: Cron = Field(default="0 9 * * 1", description="When the report of the last ISO week is due.")
    monthly_report_cron: Cron = Field(
        default="0 10 1 * *", description="When the reports of the last month are due, those of channels among them."
    )
    report_deadline_hours: float = Field(
        default=4,
        gt=0,
        le=168,
        description="How many hours a report that is due waits for days that are not complete. Somebody is told then.",
    )
    incomplete_reports: Literal["send", "withhold"] = Field(
        default="send",
        description="What becomes of it then: send, marked as incomplete; or withhold, until somebody makes it by hand.",
    )
    reports_url: ReportsUrl = Field(
        default="reports",
        description="Where reports are kept: a directory, within TELEMETRY_HOME if its path does not begin with /; or "
        "s3://bucket/path. Of one pipeline alone, which deletes the files of reports there that it does not know.",
    )
    report_retention_days: Days = Field(default=400, description="How many days reports and what was sent are kept.")
    aws_access_key_id: str = Field(default="", description="Who logs in to S3. Empty: nobody does, as in a public bucket.")
    aws_secret_access_key: SecretStr = Field(default=SecretStr(""), description="With which secret.")
    aws_region: str = Field(default="us-east-1", description="In which region the bucket is.")
    aws_endpoint_url: HttpUrl | None = Field(
        default=None, description="Where an S3 of somebody else is: https://minio.example.com. Empty: Amazon's."
    )

    def reports_directory(self, home: Path) -> Path | None:
        """Return where reports are kept on this machine; None: they are not."""
        return None if self.reports_url.startswith("s3://") else home / self.reports_url


class MailSettings(BaseModel):
    """How reports are mailed."""

    smtp_url: SmtpUrl | None = Field(
        default=None,
        description="The server that takes mail: smtp://user:password@smtp.example.com:587, which is encrypted by STARTTLS "
        "wherever there is a password; smtps://... of port 465. Empty: no report is sent.",
    )
    mail_from: MailAddress | None = Field(
        default=None, description="Whom mail is from: reports@example.com. Empty: the user of SMTP_URL, if it is an address."
    )
    mail_attachments_mb: float = Field(
        default=10, gt=0, le=100, description="Up to how many megabytes reports are attached; beyond, a link leads to them."
    )
