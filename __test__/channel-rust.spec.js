/** Channels between JavaScript and the same rings in Rust. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { before, describe } from 'node:test'
import { fileURLToPath } from 'node:url'
import { talksTheFormat } from './support/channel-peers.js'

const COUNT = Number(process.env.OS_IPC_MESSAGES ?? 100_000)
const root = fileURLToPath(new URL('..', import.meta.url))
/** `cargo test` has built the example like this; a campaign wants it quick. */
const profile = COUNT > 1e6 ? 'release' : 'debug'

describe('a channel and a Rust program', { timeout: 600_000 + COUNT / 10 }, () => {
  before(() => {
    const build = ['build', '--quiet', '--package', 'os-ipc-core', '--example', 'channel_peer']
    const { status, stderr } = spawnSync('cargo', profile === 'release' ? [...build, '--release'] : build, {
      cwd: root,
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
  })

  talksTheFormat({
    name: 'Rust',
    command: () => [`${root}/target/${profile}/examples/channel_peer`],
    count: COUNT,
    rendezvous: true,
  })
})
