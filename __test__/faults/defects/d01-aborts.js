export default {
  id: 'D1',
  promise: 'dies of a signal after it has said that all is well',
  async run(_kind, context) {
    context.round()
    setImmediate(() => process.abort())
    return {}
  },
}
