import { keep, make, say } from './keep.js';
import { seconds } from './text.js';

const row = () => make('tr', '', ...Array.from({ length: 5 }, () => make('td')));

/** The oldest work, oldest first; work that will hardly have ended when work is cut off is marked. */
export function drawWork(parent, { work, deadlineInMs }) {
  keep(
    parent,
    work,
    (_, i) => i,
    row,
    (element, { kind, label, worker, ageMs, p50Ms, p90Ms }) => {
      const late = deadlineInMs !== null && p90Ms !== null && p90Ms > deadlineInMs;
      element.classList.toggle('late', late);
      const [what, who, age, median, most] = element.children;
      say(what, label === null ? kind : `${kind} ${label}`);
      say(who, worker);
      say(age, seconds(ageMs));
      say(median, seconds(p50Ms));
      say(most, `${seconds(p90Ms)}${late ? ', too late' : ''}`);
    },
  );
}
