import { channel } from './session.ts';

/** The only write of an owner: all of it, for many works, under their fences, in one statement. */
export const writeStatement = `
with given as (
  select * from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::integer[],
    $7::text[], $8::jsonb[], $9::text[], $10::jsonb[], $11::jsonb[], $12::boolean[], $13::float8[],
    $14::boolean[], $20::bigint[])
    as g (num, fence, first, last, bytes, body, checkpoint, state, result, error, charge, delay, reserved,
      covers)
), held as (
  -- The end of a run that was cancelled meanwhile is that it was cancelled, and nothing else.
  select w.num, w.cancel_reason is not null and g.state is not null as void
  from handover.works w join given g on g.num = w.num
  where w.fence = g.fence and w.owner = $1::bigint and w.last_seq = g.first - 1
  order by w.num for update of w
), kept as (
  update handover.works w set
    last_seq = case when h.void then w.last_seq else g.last end,
    bytes = w.bytes + case when h.void then 0 else g.bytes end,
    checkpoint = case when h.void then w.checkpoint else coalesce(g.checkpoint, w.checkpoint) end,
    -- Compared only where workers have died with it: a checkpoint may be large.
    losses_before = case
      when h.void or g.checkpoint is null or w.losses = w.losses_before then w.losses_before
      when g.checkpoint = w.checkpoint then w.losses_before
      else w.losses end,
    checkpoint_seq = case when h.void or g.checkpoint is null then w.checkpoint_seq else g.covers end,
    state = case when g.state is null then w.state
      when h.void then 'cancelled'
      when g.state = 'waiting' and g.charge and w.attempts + 1 >= w.max_attempts then 'failed'
      else g.state end,
    attempts = w.attempts + case when g.charge and not h.void then 1 else 0 end,
    result = case when h.void then w.result else coalesce(g.result, w.result) end,
    error = case when h.void then w.error else coalesce(g.error, w.error) end,
    owner = case when g.state is null then w.owner end,
    fence = w.fence + case when g.state = 'waiting' then 1 else 0 end,
    soliciting = w.soliciting and g.state is null,
    successor = case when g.state is null or (g.reserved and not h.void) then w.successor end,
    available_at = case when g.state = 'waiting' then clock_timestamp() + g.delay * interval '1 ms'
      else w.available_at end,
    ended_at = case when g.state is null
        or (not h.void and g.state = 'waiting' and not (g.charge and w.attempts + 1 >= w.max_attempts))
      then null else clock_timestamp() end
  from given g, held h where w.num = h.num and g.num = h.num
  returning w.num, w.kind, w.state, h.void
), chunked as (
  insert into handover.chunks (work, first, last, bytes, body)
  select g.num, g.first, g.last, g.bytes, g.body from given g join kept k on k.num = g.num
  where g.body is not null and not k.void
), effected as (
  insert into handover.effects (id, kind, payload)
  select e.id, e.kind, e.payload
  from unnest($15::bigint[], $16::text[], $17::text[], $18::jsonb[]) as e (num, id, kind, payload)
  join kept k on k.num = e.num and not k.void
  on conflict (id) do nothing
  returning 1
), told as (
  select pg_notify('${channel}', t.text) from unnest($19::text[]) as t (text) where exists (select from kept)
  union all
  select pg_notify('${channel}', 'w ' || k.kind)
  from (select distinct kind from kept where state = 'waiting') k
  union all
  select pg_notify('${channel}', 'o') where exists (select from effected)
)
select k.num, k.void, (select count(*) from told) as told from kept k`;
