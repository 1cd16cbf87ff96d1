import seqpacket from './unix-seqpacket.js'

/** Unix sockets of datagrams: whoever receives is not told of the end, whoever sends is told that nobody receives. */
export default {
  ...seqpacket,
  name: 'unix-datagram',
  type: 'datagram',
  stream: undefined,
  ends: false,
  gone: ['ECONNREFUSED', 'ENOTCONN', 'ECONNRESET'],
}
