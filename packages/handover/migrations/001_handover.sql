-- Work that outlives its worker. All times are of this database's clock.
create sequence handover.worker_ids;

-- One row for each living worker; the number is never used twice, so equal names do no harm.
create table handover.workers (
  id bigint primary key,
  node text not null,
  pid integer not null,
  -- How long the worker may be silent before its work is given to others.
  lease interval not null,
  seen_at timestamptz not null default clock_timestamp(),
  -- Somebody saw its process end: its free session lock is then proof enough.
  reported boolean not null default false
);

create table handover.works (
  num bigint generated always as identity primary key,
  id text not null unique,
  kind text not null,
  state text not null default 'waiting'
    check (state in ('waiting', 'running', 'completed', 'failed', 'cancelled')),
  owner bigint,
  -- Raised whenever the work changes hands. An owner's write with an older fence changes nothing.
  fence bigint not null default 0,
  -- The owner would like to give the work away.
  soliciting boolean not null default false,
  -- Who has answered, and may claim the work once it waits.
  successor bigint,
  available_at timestamptz not null default clock_timestamp(),
  attempts integer not null default 0,
  max_attempts integer not null,
  -- Workers that died with this work.
  losses integer not null default 0,
  max_losses integer not null,
  cancel_reason text,
  input jsonb not null,
  checkpoint jsonb,
  -- The last event that the checkpoint covers.
  checkpoint_seq bigint not null default 0,
  last_seq bigint not null default 0,
  -- The earliest event kept.
  first_seq bigint not null default 1,
  bytes bigint not null default 0,
  result jsonb,
  error jsonb,
  created_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  ended_at timestamptz,
  check ((state = 'running') = (owner is not null)),
  check ((state in ('completed', 'failed', 'cancelled')) = (ended_at is not null))
) with (fillfactor = 60, toast_tuple_target = 256, autovacuum_vacuum_scale_factor = 0.05);

create index works_waiting on handover.works (kind, num) where state = 'waiting';
create index works_owner on handover.works (owner) where owner is not null;
create index works_successor on handover.works (successor) where successor is not null;
create index works_soliciting on handover.works (kind, num) where soliciting;
create index works_ended on handover.works (ended_at) where ended_at is not null;

-- The events of one commit of one work: numbers first..last, as a JSON array of [type, data].
create table handover.chunks (
  work bigint not null references handover.works (num) on delete cascade,
  first bigint not null,
  last bigint not null,
  bytes integer not null,
  body text not null,
  primary key (work, last)
);

-- Effects that must happen once.
create table handover.effects (
  num bigint generated always as identity primary key,
  -- Stable over every retry: the work's id and the effect's own key.
  id text not null unique,
  kind text not null,
  payload jsonb not null,
  attempts integer not null default 0,
  available_at timestamptz not null default clock_timestamp(),
  created_at timestamptz not null default clock_timestamp(),
  delivered_at timestamptz
);

create index effects_waiting on handover.effects (kind, available_at) where delivered_at is null;
create index effects_delivered on handover.effects (delivered_at) where delivered_at is not null;
