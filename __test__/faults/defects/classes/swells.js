import { Buffer } from 'node:buffer'
import pipe from '../../classes/pipe.js'

const kept = []

/** Nothing stays open, but memory stays. */
export default {
  ...pipe,
  name: 'swells',
  open(context) {
    kept.push(Buffer.alloc(32_768, 1))
    return pipe.open(context)
  },
}
