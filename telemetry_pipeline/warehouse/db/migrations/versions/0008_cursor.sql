alter table telemetry.sync_state
    add column upstream_user  text,
    add column cursor_set_at  timestamptz,
    add column jump_id        bigint,
    add column ignored_id     bigint,
    add column cursor_set_to  bigint,
    add column compared_after bigint not null default -9223372036854775808,
    add column read_after     bigint not null default -9223372036854775808;
comment on column telemetry.sync_state.upstream_user is 'the user that records are read as';
comment on column telemetry.sync_state.cursor_set_at is 'when a person last set the cursor';
comment on column telemetry.sync_state.cursor_set_to is 'the id that it was set to';
comment on column telemetry.sync_state.jump_id is 'the id behind a hole too wide to be plausible, which holds the cursor; null: none does';
comment on column telemetry.sync_state.ignored_id is 'records from this id on are left out while such a hole is below them: a person said so';
comment on column telemetry.sync_state.compared_after is 'stored records above this id have to be the upstream''s still';
comment on column telemetry.sync_state.read_after is 'what the upstream has up to this id is not read';
