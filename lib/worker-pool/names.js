/** Under which a worker is given its end of the channel to the pool. */
export const CHANNEL = 'os-ipc worker pool'
