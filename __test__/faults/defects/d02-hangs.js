export default {
  id: 'D2',
  promise: 'never ends',
  run: () => new Promise(() => setInterval(() => {}, 1000)),
}
