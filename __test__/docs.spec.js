import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { collecting } from './support/collecting.js'

const root = fileURLToPath(new URL('../', import.meta.url))
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
)

/** Packages that a page shows ours with. */
const guests = ['birpc', 'capnweb', 'comlink']

/**
 * The js blocks of a page, each with the line it begins at.
 * @param {string} page
 */
function blocks(page) {
  const source = readFileSync(join(root, page), 'utf8')
  return [...source.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => ({
    line: source.slice(0, match.index).split('\n').length,
    code: match[1],
  }))
}

/**
 * What a block promises to print: the comments behind its console.log lines, if each of them has one.
 * @param {string} code
 */
function promisedOutput(code) {
  const logs = code.split('\n').filter((line) => line.includes('console.log('))
  const promises = logs.map((line) => line.match(/\) \/\/ (.*)$/)?.[1])
  return promises.every((promise) => promise !== undefined)
    ? promises.map((promise) => `${promise}\n`).join('')
    : undefined
}

describe('the documentation', { timeout: 240_000 }, () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(root, join(folder, 'node_modules/os-ipc'))
    for (const name of guests) symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const page of pages) {
    for (const { line, code } of blocks(page)) {
      it(`${page}:${line} runs as it stands, closes what it opens and prints what its comments say`, async () => {
        const place = mkdtempSync(join(folder, 'block-'))
        writeFileSync(join(place, 'example.mjs'), code)
        const child = spawn(process.execPath, ['example.mjs'], {
          cwd: place,
          stdio: ['ignore', 'pipe', 'pipe'],
          env: collecting,
          timeout: 30_000,
          killSignal: 'SIGKILL',
        })
        const [[status, signal], stdout, stderr] = await Promise.all([
          once(child, 'close'),
          text(child.stdout),
          text(child.stderr),
        ])
        assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: '' })
        assert.equal(stdout, promisedOutput(code) ?? stdout)
      })
    }
  }

  it('begins with an example in the README, and has one on each page about a transport', () => {
    for (const page of ['README.md', 'docs/pipes.md']) assert.ok(blocks(page).length > 0, page)
  })

  it('links only to what is there, and to headings that are there', () => {
    const broken = []
    let anchors = 0
    for (const page of pages) {
      const source = proseOf(page)
      for (const [, target, anchor] of source.matchAll(/\]\((?!https?:)([^)#]*)#?([^)]*)\)/g)) {
        const path = target === '' ? page : join(page, '..', target)
        if (!existsSync(join(root, path))) broken.push(`${page}: ${target}`)
        else if (anchor !== '' && !headings(path).includes(anchor)) broken.push(`${page}: ${target}#${anchor}`)
        if (anchor !== '') anchors++
      }
    }
    assert.deepEqual(broken, [])
    assert.ok(anchors > 50, `${anchors}`)
  })

  it('is found from the README: each page is linked from it, or from a page that is', () => {
    const found = new Set(['README.md'])
    for (const page of found) {
      for (const [, target] of proseOf(page).matchAll(/\]\((?!https?:)([^)#]+\.md)/g))
        found.add(join(page, '..', target))
    }
    assert.deepEqual(
      pages.filter((page) => !found.has(page)),
      [],
    )
  })
})

/** A page without its code. @param {string} page */
function proseOf(page) {
  return readFileSync(join(root, page), 'utf8').replaceAll(/^(`{3,}).*?^\1`*$/gms, '')
}

/** The anchors of a page, as GitHub makes them of its headings. @param {string} page */
function headings(page) {
  /** @type {Map<string, number>} */
  const known = new Map()
  return [...proseOf(page).matchAll(/^#{1,6} +(.*?) *$/gm)].map(([, heading]) => {
    const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const slug = text.replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-')
    const times = known.get(slug) ?? 0
    known.set(slug, times + 1)
    return times === 0 ? slug : `${slug}-${times}`
  })
}
