/**
 * How whole messages are received from a queue, each way as the numbers in them, or null at the end.
 * @param {(message: any) => number[] | null} numbersOf
 */
export function receivesMessages(numbersOf) {
  return {
    receives: {
      recv: async (receiver, options) => numbersOf(await receiver.recv(options)),
      async iterate(receiver, options) {
        const { value, done } = await receiver.iterate(options).next()
        return done ? null : numbersOf(value)
      },
      async loop(receiver, options) {
        for await (const message of receiver.iterate(options)) return numbersOf(message)
        return null
      },
    },
    tryRecv(receiver) {
      const message = receiver.tryRecv()
      return message && numbersOf(message)
    },
    recvSync: (receiver, options) => numbersOf(receiver.recvSync(options)),
  }
}
