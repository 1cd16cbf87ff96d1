import native from '../load.js'
import { boolean, integer, objectOf } from '../validate.js'
import { PipeCore } from './end.js'
import { PipeReader } from './reader.js'
import { PipeWriter } from './writer.js'

/**
 * A pipe within the kernel: see pipe(2).
 * @param {{ capacity?: number, packet?: boolean }} [options]
 */
export function pipe(options) {
  const { capacity, packet } = objectOf(options)
  const bytes = capacity === undefined ? undefined : integer('options.capacity', capacity, 1, 0x7fffffff)
  const [reader, writer] = native.pipeCreate(bytes, boolean('options.packet', packet, false))
  return {
    reader: new PipeReader(new PipeCore(reader, false)),
    writer: new PipeWriter(new PipeCore(writer, true)),
  }
}
