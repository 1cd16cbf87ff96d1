import { breaches, staleGenerated } from './invariants.js'

/** @type {import('./steps.js').Step[]} */
export const lintSteps = [
  { name: 'format and lint of JavaScript', command: ['node_modules/.bin/biome', 'check', '--error-on-warnings', '.'] },
  { name: 'types', command: ['node_modules/.bin/tsc', '--project', '.'] },
  { name: 'format of Rust', command: ['cargo', 'fmt', '--all', '--check'] },
  {
    name: 'lint of Rust',
    command: ['cargo', 'clippy', '--workspace', '--all-targets', '--all-features', '--quiet', '--', '-D', 'warnings'],
  },
  { name: 'invariants', check: () => breaches() },
  { name: 'generated files', check: staleGenerated },
]
