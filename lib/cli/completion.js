/** What a shell needs to complete our commands, made from the commands themselves. */
import { commonOptions } from './parse.js'

/** @typedef {import('./command.js').Command} Command */

/** Those whose operands are objects. */
const OF_OBJECTS = ['stat', 'rm']

/** @param {Command} command */
function optionsOf(command) {
  return Object.entries({ ...command.options, ...commonOptions })
}

/** @param {readonly Command[]} commands */
export function bash(commands) {
  const cases = commands.map((command) => {
    const words = optionsOf(command).map(([name]) => `--${name}`)
    return `    ${command.name}) words='${words.join(' ')}' ;;`
  })
  return `# os-ipc completion bash: eval "$(os-ipc completion bash)"
_os_ipc() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words=''
  # A colon ends a word for readline, but not for us.
  if declare -F _get_comp_words_by_ref >/dev/null; then _get_comp_words_by_ref -n : -c word; fi
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${[...commands.map(({ name }) => name), 'help', '--help', '--version'].join(' ')}' -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    help) words='${commands.map(({ name }) => name).join(' ')}' ;;
  esac
  case "$word:\${COMP_WORDS[1]}" in
    -*) ;;
${OF_OBJECTS.map((name) => `    *:${name}) words="$(os-ipc completion names 2>/dev/null)" ;;`).join('\n')}
    *:help) ;;
    *) words='' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$word"; fi
}
complete -o default -F _os_ipc os-ipc
`
}

/** @param {readonly Command[]} commands */
export function zsh(commands) {
  const described = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`)
  const cases = commands.map((command) => {
    const options = optionsOf(command).map(([name, { value, help, multiple }]) => {
      const text = help.replace(/[[\]\\]/g, '\\$&')
      return quoted(`${multiple ? '*' : ''}--${name}${value ? '=' : ''}[${text}]${value ? `:${value}:` : ''}`)
    })
    const operands = OF_OBJECTS.includes(command.name) ? "'*:object:_os_ipc_objects'" : "'*:file:_files'"
    return `    ${command.name}) _arguments ${[...options, operands].join(' ')} ;;`
  })
  return `#compdef os-ipc
# os-ipc completion zsh: source <(os-ipc completion zsh)
_os_ipc_objects() { local -a names; names=(\${(f)"$(os-ipc completion names 2>/dev/null)"}); compadd -a names }
_os_ipc() {
  local -a commands
  commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command=$words[2]
  shift words; (( CURRENT-- ))
  case $command in
${cases.join('\n')}
    help) _describe command commands ;;
  esac
}
compdef _os_ipc os-ipc
`
}

/** @param {string} text */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`
}
