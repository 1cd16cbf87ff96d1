/** `--only A,B`: some of what a campaign has. */
import { parseArgs } from 'node:util'
import { Complaint } from '../run.js'

/**
 * @param {string} campaign
 * @param {string[]} rest the campaign's own arguments
 * @param {string[]} names all that there are
 * @returns {string[]} those that are wanted, or all
 */
export function only(campaign, rest, names) {
  let given
  try {
    given = parseArgs({ args: rest, options: { only: { type: 'string' } } }).values.only?.split(',')
  } catch (error) {
    throw new Complaint(`${campaign}: ${/** @type {Error} */ (error).message}`)
  }
  const unknown = given?.find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new Complaint(`${campaign}: there is no '${unknown}'. There are: ${names.join(', ')}`)
  return given ?? names
}
