import { channel, sessionLock } from './session.ts';

/**
 * The worker itself, locked so that nobody buries it between the check and the claim. The lock is a
 * write, so it is only taken where there is something to claim: who looks in vain writes nothing.
 */
const meFor = (candidates: string): string =>
  `me as (select id from handover.workers where id = $1 and exists (select from ${candidates}) for key share)`;

const claimed = `w.num, w.id, w.kind, w.fence, w.input, w.checkpoint, w.checkpoint_seq, w.last_seq,
  w.attempts, w.losses, w.cancel_reason`;

/** $1 worker, $2 kind, $3 free places: what is reserved for this worker, and then what fits. */
export const claim = `
with reserved as (
  select num from handover.works
  where successor = $1::bigint and kind = $2 and state = 'waiting' and available_at <= clock_timestamp()
  order by num for update skip locked
), free as (
  select num from handover.works
  where kind = $2 and state = 'waiting' and available_at <= clock_timestamp() and successor is null
  order by num for update skip locked
  limit greatest(0, $3::integer - (select count(*) from reserved))
), next as (
  select num from reserved union all select num from free
), ${meFor('next')}, taken as (
  update handover.works w set state = 'running', owner = $1, fence = fence + 1, successor = null,
    started_at = coalesce(started_at, clock_timestamp())
  from next n where w.num = n.num and exists (select from me) returning ${claimed}
)
select t.*, case when t.fence > 1 then pg_notify('${channel}', 'c ' || t.num) end as told from taken t
order by t.num`;

/** $1 worker, $2 id, $3 kind, $4 input, $5 max attempts, $6 max losses: added and claimed in one. */
export const addHere = `
with me as (select id from handover.workers where id = $1 for key share)
insert into handover.works as w (id, kind, input, max_attempts, max_losses, state, owner, fence, started_at)
select $2, $3, $4, $5, $6, 'running', id, 1, clock_timestamp() from me
on conflict (id) do nothing returning ${claimed}`;

/** $1 id, $2 kind, $3 input, $4 max attempts, $5 max losses, $6 delay in ms. */
export const add = `
with added as (
  insert into handover.works (id, kind, input, max_attempts, max_losses, available_at)
  values ($1, $2, $3, $4, $5, clock_timestamp() + $6::float8 * interval '1 ms')
  on conflict (id) do nothing returning kind
)
select pg_notify('${channel}', 'w ' || kind) from added`;

/** $1 worker: the owner would like to give away all it runs. */
export const solicit = `
with asked as (
  update handover.works set soliciting = true where owner = $1 and not soliciting returning kind
)
select pg_notify('${channel}', 's ' || kind) from (select distinct kind from asked) k`;

const tellFreed = `
select pg_notify('${channel}', case state when 'waiting' then 'w ' else 's ' end || kind)
from (select distinct kind, state from freed) k`;

/** $1 worker: it drains itself, and does not claim what it has answered for. */
export const unanswer = `
with freed as (
  update handover.works set successor = null where successor = $1 returning kind, state
)
${tellFreed}`;

/** $1 worker: it keeps what it runs after all. */
export const withdraw = `
update handover.works set soliciting = false, successor = null where owner = $1 and soliciting`;

/** $1 worker, $2 kind, $3 free places: answers what others offer. */
export const answer = `
with offered as (
  select num from handover.works
  where soliciting and successor is null and kind = $2 and owner <> $1
  order by num for update skip locked
  limit greatest(0, $3::integer - (select count(*) from handover.works where successor = $1 and kind = $2))
), ${meFor('offered')}, answered as (
  update handover.works w set successor = $1 from offered o
  where w.num = o.num and exists (select from me) returning w.owner
)
select pg_notify('${channel}', 'a ' || owner) from (select distinct owner from answered) a`;

/** $1 worker: what others want of the works it owns. */
export const look = `
select num, cancel_reason, successor is not null as answered from handover.works
where owner = $1 and (cancel_reason is not null or successor is not null)`;

/** $1 id, $2 reason. */
export const cancel = `
with asked as (
  update handover.works set cancel_reason = coalesce(cancel_reason, $2),
    fence = fence + case state when 'waiting' then 1 else 0 end,
    ended_at = case state when 'waiting' then clock_timestamp() end,
    successor = case state when 'running' then successor end,
    state = case state when 'waiting' then 'cancelled' else state end
  where id = $1 and ended_at is null returning num, state, owner
)
select state, pg_notify('${channel}', case state when 'running' then 'a ' || owner else 'e ' || num || ':Infinity' end)
from asked`;

/** Workers that are no more: silent for their lease, or with a session that has ended. */
export const bury = `
delete from handover.workers where id in (
  select id from handover.workers w
  where greatest(seen_at, pg_postmaster_start_time()) + lease < clock_timestamp()
    -- Of a session from before a restart of the database only the lease can tell.
    or (seen_at > pg_postmaster_start_time()
      and (reported or seen_at + lease * 0.12 < clock_timestamp())
      and not exists (
        select from pg_locks l where l.locktype = 'advisory' and l.granted and l.objsubid = 2
          and l.database = (select oid from pg_database where datname = current_database())
          and l.classid = ${sessionLock} and l.objid = (w.id % 2147483647)::integer::oid))
  for update skip locked
) returning id, node, pid`;

/** Works whose owner is no more: the fence is raised, and the queue has them again. */
export const release = `
with orphans as (
  select num from handover.works w
  where owner is not null and not exists (select from handover.workers where id = w.owner)
  order by num for update skip locked
), released as (
  update handover.works w set owner = null, fence = fence + 1, losses = losses + 1,
    soliciting = false, successor = null,
    state = case when cancel_reason is not null then 'cancelled'
      when w.losses + 1 - w.losses_before >= max_losses then 'failed' else 'waiting' end,
    error = case when cancel_reason is null and w.losses + 1 - w.losses_before >= max_losses
      then jsonb_build_object('code', 'ERR_HANDOVER_LOSSES', 'message',
        format('%s workers died with this work, and its checkpoint did not move on.', w.losses + 1 - w.losses_before))
      else error end,
    ended_at = case when cancel_reason is not null or w.losses + 1 - w.losses_before >= max_losses
      then clock_timestamp() end
  from orphans o where w.num = o.num returning w.num, w.kind, w.state
), told as (
  select pg_notify('${channel}', 'w ' || kind)
  from (select distinct kind from released where state = 'waiting') k
  union all
  select pg_notify('${channel}', 'e ' || num || ':Infinity') from released where state <> 'waiting'
)
select count(*)::integer as released, (select count(*) from told) as told from released`;

/** $1 worker, $2 works that it knows of: whether it owns another. */
export const stray = `
select from handover.works where owner = $1 and num <> all($2::bigint[]) limit 1`;

/** $1 worker, $2 works that it knows of: the others that it owns go back to the queue. */
export const giveBack = `
with strays as (
  select num from handover.works where owner = $1 and num <> all($2::bigint[])
  order by num for update
), back as (
  update handover.works w set owner = null, fence = fence + 1, soliciting = false, successor = null,
    state = case when cancel_reason is not null then 'cancelled' else 'waiting' end,
    ended_at = case when cancel_reason is not null then clock_timestamp() end
  from strays s where w.num = s.num returning w.num, w.kind, w.state
)
select pg_notify('${channel}', 'w ' || kind)
from (select distinct kind from back where state = 'waiting') k
union all
select pg_notify('${channel}', 'e ' || num || ':Infinity') from back where state <> 'waiting'`;

/** Answers of workers that are no more, however they went: who leaves by itself is never buried. */
export const forget = `
with lost as (
  select num from handover.works w
  where successor is not null and not exists (select from handover.workers where id = w.successor)
  order by num for update skip locked
), freed as (
  update handover.works w set successor = null from lost l where w.num = l.num
  returning w.kind, w.state
)
${tellFreed}`;

/** $1 node, $2 pid. */
export const reportDead = `
with seen as (
  update handover.workers set reported = true where node = $1 and pid = $2 returning id
)
select pg_notify('${channel}', 'd') from seen limit 1`;

/** $1 ids. */
export const list = `
select id, kind, state, input, result, error, attempts, losses, first_seq::float8 as "firstSeq",
  last_seq::float8 as "lastSeq", created_at as "createdAt", started_at as "startedAt",
  ended_at as "endedAt", cancel_reason as "cancelReason"
from unnest($1::text[]) with ordinality as g (given, place) join handover.works on id = given
order by place`;

/** $1 kind. */
export const counts = `
select state, count(*)::integer as n from handover.works where kind = $1 group by state`;

/** $1 topic, $2 text. */
export const tell = `select pg_notify('${channel}', 't ' || $1::text || ' ' || $2::text)`;
