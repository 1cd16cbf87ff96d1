/**
 * What the package keeps to itself, module by module as lib/whole.js lists them, of the very copy that index.js gives.
 * Imported from lib/ it would be a second one with a state of its own, which knows nothing of what the first has opened.
 */
import { whole } from '../../bundle.js'

export const { inside } = await import(whole.href)
