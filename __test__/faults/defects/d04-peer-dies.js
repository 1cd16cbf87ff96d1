export default {
  id: 'D4',
  promise: 'the process at the other side crashes',
  roles: {
    crash() {
      process.kill(process.pid, 'SIGSEGV')
      return new Promise(() => {})
    },
  },
  async run(_kind, context) {
    await context.start('crash').done()
    return {}
  },
}
