-- Losses up to when the checkpoint last moved on; these are not held against the work any more.
alter table handover.works add column losses_before integer not null default 0;
