/** CRC-32C, as iSCSI and ext4 have it. */
import native from '../load.js'

/**
 * @param {Uint8Array} bytes
 * @param {number} from
 * @param {number} length
 */
export function checksumOf(bytes, from, length) {
  return native.checksum(bytes, from, length)
}
