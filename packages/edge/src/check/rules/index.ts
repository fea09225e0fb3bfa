import { HOST_RULES } from './hosts.ts';
import { KUBERNETES_RULES } from './kubernetes.ts';
import { PROXY_RULES } from './proxies.ts';
import type { Rule } from './define.ts';

export type RuleCode =
  | keyof typeof KUBERNETES_RULES
  | keyof typeof HOST_RULES
  | keyof typeof PROXY_RULES;

/** Every rule of `lastcall pod check`: LC1xx Kubernetes, LC2xx systemd, LC3xx compose and images, LC4xx nginx, LC5xx HAProxy. */
export const RULES: Readonly<Record<RuleCode, Rule>> = {
  ...KUBERNETES_RULES,
  ...HOST_RULES,
  ...PROXY_RULES,
};
