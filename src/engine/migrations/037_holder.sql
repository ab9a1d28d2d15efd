-- Who has a task's lease, where the worker says so: machine, process and start. What a dead process held is taken over at once
-- by the next one of that machine.
alter table supasaasy.tasks add column if not exists holder text;
