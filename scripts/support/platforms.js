/** The platforms that there is an addon for; each has a folder under npm/. */

/**
 * @typedef {object} Platform
 * @property {string} name As in os-ipc.NAME.node and os-ipc-NAME.
 * @property {string} target As Rust calls it.
 */

/** @type {Platform[]} */
export const platforms = [
  { name: 'linux-x64-gnu', target: 'x86_64-unknown-linux-gnu' },
  { name: 'linux-x64-musl', target: 'x86_64-unknown-linux-musl' },
  { name: 'linux-arm64-gnu', target: 'aarch64-unknown-linux-gnu' },
  { name: 'linux-arm64-musl', target: 'aarch64-unknown-linux-musl' },
]

/** The platform of this process. */
export function here() {
  const { header } = /** @type {{ header: Record<string, unknown> }} */ (process.report.getReport())
  return `linux-${process.arch}-${header.glibcVersionRuntime ? 'gnu' : 'musl'}`
}
