/**
 * What `open` of a class gives: both ends, and how they are closed.
 * @template S, R
 * @param {S & { close(): void }} sender
 * @param {R & { close(): void }} receiver
 * @param {() => unknown} [afterwards] what else goes then
 */
export function opened(sender, receiver, afterwards) {
  return {
    sender,
    receiver,
    close() {
      receiver.close()
      sender.close()
      afterwards?.()
    },
  }
}

/**
 * The same of ends that another process has by their descriptors, with what it needs for one of them.
 * @template S, R
 * @param {S & { fd: number, close(): void }} sender
 * @param {R & { fd: number, close(): void }} receiver
 */
export function openedByFd(sender, receiver) {
  return {
    ...opened(sender, receiver),
    /** @param {'sender' | 'receiver'} side */
    share: (side) => ({ side, fds: [(side === 'sender' ? sender : receiver).fd] }),
  }
}
