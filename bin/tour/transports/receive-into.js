/**
 * Reads a pipe straight into the sink's memory, to its end.
 * @param {import('../sink.js').Sink} sink
 * @param {number} fd
 */
export async function receiveInto(sink, fd) {
  const { PipeReader } = await import('../../../index.js')
  const reader = PipeReader.fromFd(fd)
  for (let count = await reader.recvInto(sink.space()); count > 0; count = await reader.recvInto(sink.space())) {
    sink.filled(count)
  }
  reader.close()
}
