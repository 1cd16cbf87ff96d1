import pipe from '../../classes/pipe.js'

/** Gives a receive up without taking it back: the message that it receives all the same is gone. */
async function losing(receiver, { signal, timeout } = {}) {
  const received = pipe.receives.recv(receiver, {})
  received.catch(() => {})
  const givenUp = new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason))
    if (timeout !== undefined) setTimeout(() => reject(Object.assign(new Error(), { code: 'ETIMEDOUT' })), timeout)
  })
  return Promise.race([received, givenUp])
}

export default { ...pipe, name: 'loses', receives: { recv: losing } }
