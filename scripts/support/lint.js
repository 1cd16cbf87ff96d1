import { dependencyFaults } from './dependencies.js'
import { breaches, staleGenerated } from './invariants.js'
import { stalePage } from './trust/page.js'
import { workflowFaults } from './workflows.js'

/** @type {import('./steps.js').Step[]} */
export const lintSteps = [
  { name: 'format and lint of JavaScript', command: ['node_modules/.bin/biome', 'check', '--error-on-warnings', '.'] },
  { name: 'types', command: ['node_modules/.bin/tsc', '--project', '.'] },
  { name: 'format of Rust', command: ['cargo', 'fmt', '--all', '--check'] },
  { name: 'lint of the core', command: clippy('os-ipc-core', '--all-targets') },
  { name: 'lint of the fuzz targets', command: clippy('os-ipc-fuzz', '--all-targets') },
  { name: 'lint of the models', command: clippy('os-ipc-models', '--all-targets') },
  // Without its test target: built as a test the addon exports nothing, and all of it would be dead code.
  { name: 'lint of the addon', command: clippy('os-ipc', '--lib') },
  { name: 'invariants', check: () => breaches() },
  { name: 'dependencies', check: () => dependencyFaults() },
  { name: 'workflows', check: workflowFaults },
  { name: 'generated files', check: async () => [...staleGenerated(), ...(await stalePage())] },
]

/** @param {string} name @param {string} targets */
function clippy(name, targets) {
  return ['cargo', 'clippy', '--package', name, targets, '--all-features', '--quiet', '--', '-D', 'warnings']
}
