import { spawn } from 'node:child_process'

export default {
  id: 'D3',
  promise: 'starts a process and goes',
  async run() {
    spawn('sleep', ['60'], { stdio: 'ignore' }).unref()
    return {}
  },
}
