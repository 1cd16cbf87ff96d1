/**
 * `npm run docs`: the reference, made of index.d.ts and the guides, in target/docs. What is exported and not documented, and
 * a link that leads nowhere, is an error.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Complaint, main, root, run, show } from './support/run.js'

const settings = join(root, 'scripts/reference')
const tools = join(root, 'target/reference')

await main(async () => {
  install()
  const typedoc = join(tools, 'node_modules/typedoc/bin/typedoc')
  const { status } = await show(process.execPath, [typedoc, '--options', join(settings, 'typedoc.json')])
  if (status !== 0) throw new Complaint('The reference was not made')
})

/** Once, and again when something else is needed. */
function install() {
  const wanted = ['package.json', 'package-lock.json'].map((name) => readFileSync(join(settings, name), 'utf8'))
  const stamp = join(tools, 'installed')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted.join()) return
  mkdirSync(tools, { recursive: true })
  writeFileSync(join(tools, 'package.json'), wanted[0])
  writeFileSync(join(tools, 'package-lock.json'), wanted[1])
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: tools })
  writeFileSync(stamp, wanted.join())
}
