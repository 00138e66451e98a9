/** What a PromQL expression names. */
export interface PromqlNames {
  selectors: { metric: string; labels: string[] }[];
  /** The labels that it groups and matches by. */
  groupings: string[];
}

const operators = new Set(['and', 'or', 'unless', 'bool', 'offset', 'group_left', 'group_right']);

/** The metrics and labels in an expression; what stands between quotes, and Grafana's variables, count for nothing. */
export function namesIn(expression: string): PromqlNames {
  const groupings: string[] = [];
  const selectors: PromqlNames['selectors'] = [];
  const rest = expression
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g, (_, labels: string) => {
      groupings.push(...labels.split(',').map((label) => label.trim()));
      return '';
    });
  for (const [, name = '', opening, matchers = ''] of rest.matchAll(/([a-zA-Z_:][\w:]*)\s*(\(|\{([^}]*)\})?/g)) {
    if (opening === '(' || operators.has(name)) continue;
    selectors.push({
      metric: name,
      labels: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map((match) => match[1] ?? ''),
    });
  }
  return { selectors, groupings };
}
