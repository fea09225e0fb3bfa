import { rule } from './define.ts';

export const HOST_RULES = {
  LC201: rule(
    'error',
    'unit-kills-too-early',
    'TimeoutStopSec is shorter than the stop needs',
    'systemd sends SIGKILL when TimeoutStopSec is over (90 s unless set). The grace and the force time of the service have to fit in.',
    'Raise `TimeoutStopSec` to the sum that the finding shows.',
  ),
  LC202: rule(
    'error',
    'unit-leaves-orphans',
    'KillMode leaves processes of the service behind',
    'With `process` or `none` the workers are not killed with their manager: the next start meets them on its ports.',
    'Use `KillMode=mixed`: SIGTERM to the manager, which stops its workers, and SIGKILL to all that is left.',
  ),
  LC203: rule(
    'error',
    'unit-signal-does-not-drain',
    'The unit stops the service by a signal that ends it at once',
    'SIGKILL cannot be handled and SIGQUIT means "cancel now": neither drains.',
    'Remove `KillSignal`, or set it to SIGTERM.',
  ),
  LC204: rule(
    'error',
    'unit-stops-by-force',
    'ExecStop kills the service',
    '`kill -9` runs before systemd sends its own signal: the drain never begins.',
    'Remove `ExecStop`: systemd sends SIGTERM itself.',
  ),
  LC205: rule(
    'warning',
    'unit-signals-everyone',
    'Every process of the service gets the signal of the manager',
    'With `KillMode=control-group`, which is the default, systemd sends SIGTERM to the workers too, past their manager: it can no longer stop them in its order, or hand over.',
    'Set `KillMode=mixed`.',
  ),
  LC301: rule(
    'error',
    'compose-kills-too-early',
    'stop_grace_period is shorter than the stop needs',
    'Compose sends SIGKILL 10 s after SIGTERM unless `stop_grace_period` says otherwise.',
    'Raise `stop_grace_period` to the sum that the finding shows.',
  ),
  LC302: rule(
    'error',
    'compose-signal-does-not-drain',
    'The container is stopped by a signal that ends it at once',
    'SIGKILL cannot be handled and SIGQUIT means "cancel now": neither drains.',
    'Remove `stop_signal` (or `STOPSIGNAL`), or set it to SIGTERM.',
  ),
  LC303: rule(
    'warning',
    'compose-no-health-check',
    'A service that publishes a port has no health check',
    '`depends_on` with a condition and an orchestrator above cannot tell whether it serves.',
    'Add a `healthcheck` on `/health`.',
  ),
} as const;
