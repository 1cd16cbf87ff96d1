#!/usr/bin/env node
import { whereIs } from '../bundle.js'

/** @type {typeof import('../lib/cli/main.js')} */
const { main } = await import(whereIs('cli/main').href)

await main(process.argv.slice(2))
