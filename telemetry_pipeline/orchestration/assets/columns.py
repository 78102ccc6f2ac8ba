"""The columns of the two tables that everything is computed from, and what those of the views are made of.

Those of a result are declared with its analysis.
"""

from __future__ import annotations

import dagster as dg


def _schema(*columns: tuple[str, str, str]) -> dg.TableSchema:
    return dg.TableSchema([dg.TableColumn(name, type_, description=description) for name, type_, description in columns])


RECORDS = _schema(
    ("record_id", "bigint", "id that PanAccess gave the record; stored once"),
    ("action_id", "integer", "what happened: 7 is a start, 8 a stop"),
    ("action_key", "text", "the same by name"),
    ("reason_key", "text", "why, by name"),
    ("subscriber_code", "text", "code of the subscriber"),
    ("smartcard_id", "text", "smart card of the device"),
    ("device_id", "bigint", "device that reported it"),
    ("data_id", "bigint", "channel, of starts and stops"),
    ("data_name", "text", "name of the channel, which starts carry"),
    ("duration_seconds", "integer", "how long was watched, which stops carry [seconds]"),
    ("data_net_id", "bigint", "network of the channel"),
    ("data_ts_id", "bigint", "transport stream of the channel"),
    ("data_service_id", "bigint", "service of the channel"),
    ("data_price", "bigint", "price, as PanAccess gives it"),
    ("profile_id", "bigint", "profile of the subscriber"),
    ("ip_id", "bigint", "address, as PanAccess numbers it"),
    ("reason_id", "bigint", "why"),
    ("date", "bigint", "day, as PanAccess numbers it"),
    ("timestamp", "timestamp with time zone", "when it happened, by the device's clock"),
    ("created", "timestamp with time zone", "when PanAccess got it"),
    ("data", "text", "whatever else the device said"),
    ("ip", "text", "address that it came from"),
    ("whois_country", "text", "country of the address"),
    ("whois_isp", "text", "internet provider of the address"),
    ("anonymized", "boolean", "whether PanAccess took the subscriber away"),
    ("manual", "boolean", "whether somebody entered it by hand"),
    ("extra", "jsonb", "fields of the upstream that this schema does not know"),
    ("local_date", "date", "the operator's day of the timestamp"),
    ("received_at", "timestamp with time zone", "when the sync began that saw it first"),
)
VIEWS = _schema(
    ("record_id", "bigint", "id of the stop"),
    ("local_date", "date", "the operator's day in which the view ended"),
    ("local_hour", "smallint", "the operator's hour in which it ended, 0 to 23"),
    ("ended_at", "timestamp with time zone", "when it ended"),
    ("started_at", "timestamp with time zone", "when it began; null without a duration"),
    ("duration_seconds", "integer", "how long was watched; null where it is unknown [seconds]"),
    ("channel_id", "bigint", "channel"),
    ("channel_name", "text", "its name at the time of the view; null while no start has told it"),
    ("subscriber_code", "text", "code of the subscriber"),
    ("device_id", "bigint", "device"),
    ("country", "text", "country of the address"),
    ("isp", "text", "internet provider of the address"),
    ("excluded", "text", "why it does not count: future or duplicate; null: it counts"),
)
_OF_RECORDS = {
    "record_id": ("record_id",),
    "local_date": ("timestamp",),
    "local_hour": ("timestamp",),
    "ended_at": ("timestamp",),
    "started_at": ("timestamp", "duration_seconds"),
    "duration_seconds": ("duration_seconds",),
    "channel_id": ("data_id",),
    "channel_name": ("data_id", "data_name"),
    "subscriber_code": ("subscriber_code",),
    "device_id": ("device_id",),
    "country": ("whois_country",),
    "isp": ("whois_isp",),
    "excluded": ("timestamp", "received_at", "device_id", "data_id", "duration_seconds"),
}
VIEWS_LINEAGE = dg.TableColumnLineage(
    {
        column: [dg.TableColumnDep(asset_key=dg.AssetKey("telemetry_records"), column_name=source) for source in sources]
        for column, sources in _OF_RECORDS.items()
    }
)
