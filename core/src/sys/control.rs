//! cmsg(3): what travels beside the bytes of a message. The layout is the kernel's: length, level, kind, data, each padded
//! to eight bytes.

use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// The most descriptors that a message carries: SCM_MAX_FD.
pub const MOST_FDS: usize = 253;

/// Bytes of a word of control data.
pub(super) const WORD: usize = size_of::<u64>();
/// Words for whatever comes: 253 descriptors, credentials, a pidfd, and what an adopted socket may have been told to add.
pub(super) const ROOM: usize = 192;

/// A length of eight bytes and two ints.
const HEADER: usize = 16;

/// Who has sent a message, by the kernel's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// 0 for a process that cannot be seen from here (another pid namespace).
    pub pid: i32,
    /// Effective user.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
}

impl Credentials {
    /// What the kernel says where it knows nothing: the socket asked for credentials after the message had been sent.
    const UNKNOWN: Self = Self { pid: 0, uid: 65534, gid: 65534 };
}

/// What came beside the bytes.
#[derive(Debug, Default)]
pub struct Control {
    /// Descriptors, ours from now on, close-on-exec.
    pub fds: Vec<OwnedFd>,
    /// Who has sent it, if the kernel knows.
    pub credentials: Option<Credentials>,
    /// Whether the kernel said anything of a sender: it does for each message, and not for the end of a stream.
    pub sent: bool,
    /// There were more descriptors than this process could take. Those that came are closed.
    pub lost: bool,
}

/// Control data that carries these descriptors.
pub(super) fn rights(fds: &[RawFd]) -> Vec<u64> {
    let size = HEADER + size_of_val(fds);
    let mut bytes = Vec::with_capacity(size.next_multiple_of(WORD));
    bytes.extend_from_slice(&(size as u64).to_ne_bytes());
    bytes.extend_from_slice(&libc::SOL_SOCKET.to_ne_bytes());
    bytes.extend_from_slice(&libc::SCM_RIGHTS.to_ne_bytes());
    for fd in fds {
        bytes.extend_from_slice(&fd.to_ne_bytes());
    }
    bytes.resize(size.next_multiple_of(WORD), 0);
    bytes.chunks_exact(WORD).map(|word| u64::from_ne_bytes(array(word))).collect()
}

/// Reads control data, and owns the descriptors in it.
///
/// # Safety
/// It has just been filled by recvmsg(2) with MSG_CMSG_CLOEXEC, `length` bytes of it, and nobody else has read it.
pub(super) unsafe fn parse(words: &[u64], length: usize, lost: bool) -> Control {
    const SCM_PIDFD: libc::c_int = 4;
    let mut control = Control { lost, ..Control::default() };
    for Part { level, kind, ints } in parts(words, length) {
        match (level, kind) {
            (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                // SAFETY: the kernel has made these for us alone, by the contract of this function.
                control.fds.extend(ints.map(|number| unsafe { OwnedFd::from_raw_fd(number) }));
            }
            (libc::SOL_SOCKET, SCM_PIDFD) => {
                for number in ints.filter(|&number| number >= 0) {
                    // SAFETY: as above. Nobody here has asked for it, so it is closed.
                    drop(unsafe { OwnedFd::from_raw_fd(number) });
                }
            }
            (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) => {
                let mut ints = ints;
                let mut next = || ints.next().unwrap_or(0);
                let told = Credentials { pid: next(), uid: next().cast_unsigned(), gid: next().cast_unsigned() };
                control.sent = true;
                control.credentials = (told != Credentials::UNKNOWN).then_some(told);
            }
            _ => {}
        }
    }
    if lost {
        control.fds.clear();
    }
    control
}

/// One part of control data.
pub(crate) struct Part<I> {
    pub(crate) level: i32,
    pub(crate) kind: i32,
    pub(crate) ints: I,
}

/// The parts of `length` bytes of control data. A length that makes no sense ends it, and what stands behind the `length`
/// bytes, of an earlier message perhaps, is never looked at.
pub(crate) fn parts(words: &[u64], length: usize) -> impl Iterator<Item = Part<impl Iterator<Item = i32>>> {
    let length = length.min(size_of_val(words));
    let mut at = 0;
    std::iter::from_fn(move || {
        let first = at / WORD;
        let [size, kind] = *words.get(first..first + HEADER / WORD)? else { return None };
        let size = usize::try_from(size).ok()?;
        let room = length.checked_sub(at).filter(|&room| room >= HEADER && size >= HEADER)?;
        let data = size.min(room) - HEADER;
        let rest = words.get(first + HEADER / WORD..).unwrap_or_default();
        let ints = rest.iter().flat_map(|&word| halves(word)).take(data / size_of::<RawFd>());
        at = at.saturating_add(size.min(room).next_multiple_of(WORD));
        let [level, kind] = halves(kind);
        Some(Part { level, kind, ints })
    })
}

fn halves(word: u64) -> [i32; 2] {
    let [a, b, c, d, e, f, g, h] = word.to_ne_bytes();
    [i32::from_ne_bytes([a, b, c, d]), i32::from_ne_bytes([e, f, g, h])]
}

fn array(word: &[u8]) -> [u8; WORD] {
    let mut bytes = [0; WORD];
    for (byte, given) in bytes.iter_mut().zip(word) {
        *byte = *given;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_number_of_descriptors_is_padded() {
        for count in [1, 2, 253] {
            let words = rights(&vec![7; count]);
            assert_eq!(words.len(), 2 + count.div_ceil(2));
            assert_eq!(words[0] as usize, HEADER + 4 * count);
            assert!(words.len() < ROOM);
        }
    }

    #[test]
    fn credentials_are_read() {
        let words = [28, 0, u64::from(7_u32) | (1000 << 32), 100];
        let mut words = words;
        let [level, kind] = [libc::SOL_SOCKET.cast_unsigned(), libc::SCM_CREDENTIALS.cast_unsigned()];
        words[1] = u64::from(level) | (u64::from(kind) << 32);
        // SAFETY: there are no descriptors in it.
        let control = unsafe { parse(&words, 32, false) };
        assert_eq!(control.credentials, Some(Credentials { pid: 7, uid: 1000, gid: 100 }));
        assert!(control.sent);
    }

    #[test]
    fn what_an_adopted_socket_was_told_to_add_is_passed_over() {
        let [level, kind] = [libc::SOL_SOCKET.cast_unsigned(), libc::SO_TIMESTAMP.cast_unsigned()];
        let words = [32, u64::from(level) | (u64::from(kind) << 32), 1, 2];
        // SAFETY: there are no descriptors in it.
        let control = unsafe { parse(&words, 32, false) };
        assert!(control.fds.is_empty() && control.credentials.is_none() && !control.sent && !control.lost);
    }

    #[test]
    fn a_length_that_makes_no_sense_ends_it() {
        for (size, count) in [(0, 0), (1, 0), (15, 0), (16, 1), (u64::MAX, 1)] {
            assert_eq!(parts(&[size, 0, 16, 0], 32).map(|part| part.ints.count()).take(1).count(), count);
        }
    }

    #[test]
    fn what_stands_behind_what_was_received_is_never_read() {
        // The room is used again for each message, so numbers of an earlier one, closed long ago, may stand there.
        let rights = u64::from(libc::SOL_SOCKET.cast_unsigned()) | u64::from(libc::SCM_RIGHTS.cast_unsigned()) << 32;
        let stale = [16 + 8, rights, 7 | 8 << 32, 20, rights, 9];
        let read =
            |words: &[u64], length| parts(words, length).map(|part| part.ints.collect()).collect::<Vec<Vec<_>>>();
        assert_eq!(read(&stale, 48), [vec![7, 8], vec![9]]);
        assert_eq!(read(&stale, 24), [vec![7, 8]]);
        assert_eq!(read(&[64, stale[1], stale[2], stale[3]], 24), [vec![7, 8]]);
        assert_eq!(read(&stale, 16), [Vec::<i32>::new()]);
        assert_eq!(read(&stale, 15), Vec::<Vec<i32>>::new());
        assert_eq!(read(&[20, rights, 7 | 9 << 32], 20), [vec![7]]);
    }
}
