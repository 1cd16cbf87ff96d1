import { writeSync } from 'node:fs'
import pipe from '../../classes/pipe.js'

/** Goes on with the number after the close. */
export default {
  ...pipe,
  name: 'touches',
  calls({ sender, receiver }) {
    const { fd } = sender
    const send = () => {
      writeSync(fd, 'x')
      throw Object.assign(new Error(), { code: 'ERR_IPC_CLOSED' })
    }
    return { ...pipe.calls({ sender, receiver }), send }
  },
}
