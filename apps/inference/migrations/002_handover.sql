-- Tasks are works of @lastcall/handover now (its schema has been made before this runs); here is
-- only whose they are, their order, and whether their client has its result.
alter table inference.tasks rename to old_tasks;

create table inference.tasks (
  id text primary key,
  position bigint generated always as identity,
  client text,
  -- The client has said that it has the result.
  acknowledged_at timestamptz,
  created_at timestamptz not null default now()
);

create index tasks_newest on inference.tasks (position desc);
create index tasks_owed on inference.tasks (client) where client is not null and acknowledged_at is null;

insert into inference.tasks (id, created_at)
select id::text, created_at from inference.old_tasks order by position;

insert into handover.works (id, kind, state, max_attempts, max_losses, input, result, error,
  created_at, started_at, ended_at)
select id::text, 'task',
  case status when 'done' then 'completed' when 'failed' then 'failed' when 'revoked' then 'cancelled'
    else 'waiting' end,
  3, 10, jsonb_build_object('request', request, 'client', null),
  case when output is not null then jsonb_build_object('output', output, 'usage', usage) end,
  error, created_at, started_at,
  case when status in ('done', 'failed', 'revoked') then coalesce(finished_at, now()) end
from inference.old_tasks order by position;

drop table inference.old_tasks;
drop function inference.tell_task;
drop sequence inference.owners;

-- What each task has cost, written once for each: the effect that it leaves when it is done.
create table inference.usage (
  task text not null,
  client text,
  tokens integer not null,
  at timestamptz not null default now()
);

create index usage_client on inference.usage (client);
