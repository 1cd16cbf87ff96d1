import { UsageError } from '../../lib/cli/command.js'

/** @type {import('../../lib/cli/command.js').Command} */
export const completion = {
  name: 'completion',
  summary: 'Print what bash or zsh needs to complete these commands',
  operands: 'bash|zsh',
  maxOperands: 1,
  details: `
In ~/.bashrc: eval "$(os-ipc completion bash)". In ~/.zshrc, after compinit: source <(os-ipc completion zsh). They ask for the names of
objects by "os-ipc completion names".

Exit codes: 0, done; 2, another shell.`,
  async run({ operands: [shell], out }) {
    const { allCommands } = await import('./index.js')
    const scripts = await import('../../lib/cli/completion.js')
    if (shell === 'bash') out.write(scripts.bash(await allCommands()))
    else if (shell === 'zsh') out.write(scripts.zsh(await allCommands()))
    else if (shell === 'names') out.write(await names())
    else throw new UsageError('which shell? bash or zsh (see os-ipc completion --help)')
    return 0
  },
}

/** Of what can be removed; what a shell would take for several words is left out. */
async function names() {
  const { KINDS } = await import('../../lib/list/list.js')
  const { present } = await import('../../lib/cli/objects/ls.js')
  const { shownCall } = await import('../../lib/cli/objects/kinds.js')
  const { objects } = present(new Set(KINDS), [])
  const calls = objects.filter(({ kind, name }) => kind !== 'socket' || name.startsWith('/')).map(shownCall)
  return [...new Set(calls)]
    .filter((call) => /^[\w./:@%+,=-]+$/.test(call))
    .map((call) => `${call}\n`)
    .join('')
}
