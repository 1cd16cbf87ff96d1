import { Core, coresOf } from '../handle.js'
import native from '../load.js'
import { Queue } from './queue.js'

const NATIVE = { close: native.fileLockClose, detach: native.fileLockDetach }

/** The state of a file's handle. What has been granted stands for itself. */
export class FileCore extends Core {
  /** @param {import('../../native.js').FileLockFacts} facts @param {string | null} path */
  constructor(facts, path) {
    super(facts.id, facts.fd, NATIVE)
    this.path = path
    this.queue = new Queue(this)
    /** How many locks of it somebody has. */
    this.held = 0
  }

  leave() {
    super.leave()
    this.queue.close()
  }
}

export const fileOf = coresOf(FileCore, 'a FileLock')
