import { openSync } from 'node:fs'
import pipe from '../../classes/pipe.js'

/** Now and then a descriptor stays. */
export default {
  ...pipe,
  name: 'leaks',
  open(context) {
    if (context.random.chance(0.02)) openSync('/dev/null')
    return pipe.open(context)
  },
}
