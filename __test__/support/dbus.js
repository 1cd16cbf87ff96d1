/** A message bus of the test's own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * @param {string} folder where its socket and its configuration are
 * @returns {Promise<{ path: string, stop: () => Promise<void> }>}
 */
export async function startBus(folder) {
  const path = join(folder, 'bus')
  const config = join(folder, 'bus.conf')
  writeFileSync(
    config,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>`,
  )
  const daemon = spawn('dbus-daemon', [`--config-file=${config}`, '--nofork', '--nopidfile', '--print-address'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  const ended = once(daemon, 'close')
  const listens = once(daemon.stdout, 'data')
  await Promise.race([
    listens,
    ended.then(([code]) => {
      throw new Error(`dbus-daemon has ended with ${code}`)
    }),
  ])
  return {
    path,
    async stop() {
      daemon.kill('SIGKILL')
      await ended
    },
  }
}
