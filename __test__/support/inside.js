/**
 * What the package keeps to itself, module by module as lib/whole.js lists them, of the very copy that index.js gives.
 * Imported from lib/ it would be a second one with a state of its own, which knows nothing of what the first has opened.
 */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { whole } from '../../bundle.js'

/**
 * Required as index.js does it: Node refuses that there while an import of the same file is under way, as it would be where
 * a program has both.
 * @type {typeof import('../../lib/whole.js')}
 */
const all = createRequire(import.meta.url)(fileURLToPath(whole))

export const { inside } = all
