-- Work that was acknowledged with 202, and what became of it.
create sequence inference.owners as integer cycle;

create table inference.tasks (
  id uuid primary key,
  -- The order of the queue; a task that comes back keeps its place.
  position bigint generated always as identity,
  status text not null default 'queued'
    check (status in ('queued', 'running', 'done', 'failed', 'revoked')),
  request jsonb not null,
  output text,
  usage jsonb,
  error jsonb,
  -- Runs begun and not given back by a shutdown.
  attempts integer not null default 0,
  -- The number of the worker that runs it. Alive as long as a session holds the advisory lock
  -- (1, owner), so no clock is asked. Every write by a worker names it: a late one changes nothing.
  owner integer,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  check ((status = 'running') = (owner is not null))
);

create index tasks_queued on inference.tasks (position) where status = 'queued';
create index tasks_running on inference.tasks (owner) where status = 'running';
create index tasks_status on inference.tasks (status);
create index tasks_position on inference.tasks (position desc);

create function inference.tell_task() returns trigger language plpgsql as $$
begin
  perform pg_notify('inference_tasks', new.status || ':' || new.id);
  return null;
end
$$;

create trigger tell_task after insert or update of status on inference.tasks
  for each row execute function inference.tell_task();
