-- For dates that have no month of their own: storing a row never takes a new table.
create table telemetry.records_default partition of telemetry.records default;
create table telemetry.views_default partition of telemetry.views default;

-- What stored rows were made with, beside operator_timezone; null: nobody has said so yet.
alter table telemetry.sync_state
    add column panaccess_timezone text,
    add column upstream           text;
comment on column telemetry.sync_state.operator_timezone is 'the time zone that local dates and hours are of';
comment on column telemetry.sync_state.panaccess_timezone is 'how the upstream''s times without a zone were read';
comment on column telemetry.sync_state.upstream is 'the host that record ids come from';
