//! Which Unix sockets there are in this network namespace, as the kernel's socket diagnosis tells: sock_diag(7). Unlike
//! /proc/net/unix it tells whose they are, and a name cannot be mistaken for another socket's line.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

use crate::error::{Error, Result};
use crate::sys::retry;

/// A socket, as the kernel tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What tells it from others: the number in `socket:[…]` of /proc/PID/fd.
    pub inode: u32,
    /// SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET.
    pub kind: u8,
    /// In the kernel's numbers for TCP: 1 connected, 7 not, 10 listening.
    pub state: u8,
    /// As it was given to bind(2); a null byte first for an abstract one, empty for none.
    pub name: Vec<u8>,
    /// The inode of its file, where it has one.
    pub file: Option<u32>,
    /// Who made it; kernels before 5.3 do not say.
    pub uid: Option<u32>,
    /// The other end's inode.
    pub peer: Option<u32>,
    /// Bytes to be received, or of a listener connections to be accepted.
    pub queued: u32,
}

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// NLM_F_REQUEST and NLM_F_DUMP.
const REQUEST_ALL: u16 = 1 | 0x300;
/// NLM_F_DUMP_INTR: it has changed meanwhile, and what was told may not be whole.
const INTERRUPTED: u16 = 0x10;
/// UDIAG_SHOW_NAME, VFS, PEER, RQLEN and UID.
const SHOW: u32 = 1 | 2 | 4 | 0x10 | 0x40;
const HEADER: usize = 16;
const MESSAGE: usize = 16;
const ATTEMPTS: u32 = 4;

/// All of them. ENOENT and the like where the kernel has no such diagnosis.
pub fn all() -> Result<Vec<Seen>> {
    let mut sockets = Vec::new();
    for _ in 0..ATTEMPTS {
        sockets.clear();
        if ask(&mut sockets)? {
            break;
        }
    }
    Ok(sockets)
}

/// False if the answer may not be whole.
fn ask(sockets: &mut Vec<Seen>) -> Result<bool> {
    let failed = |syscall| move |errno| Error::os(errno, syscall);
    let protocol = SockProtocol::NetlinkSockDiag;
    let fd =
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol).map_err(failed("socket"))?;
    let request = request();
    retry(|| send(fd.as_raw_fd(), &request, MsgFlags::empty()).map_err(failed("send")))?;
    let mut answer = vec![0; 64 << 10];
    let mut whole = true;
    loop {
        let length = receive(&fd, &mut answer)?;
        let mut rest = answer.get(..length).unwrap_or_default();
        while let Some(size) =
            word(rest, 0).map(|size| size as usize).filter(|&size| size >= HEADER && size <= rest.len())
        {
            let (message, behind) = rest.split_at(size);
            rest = behind.get(padding(size)..).unwrap_or_default();
            whole &= half(message, 6).unwrap_or(0) & INTERRUPTED == 0;
            match half(message, 4) {
                Some(NLMSG_DONE) => return Ok(whole),
                Some(NLMSG_ERROR) => {
                    let errno = word(message, HEADER).unwrap_or(0).cast_signed().wrapping_neg();
                    return Err(Error::os(Errno::from_raw(errno), "recv"));
                }
                Some(SOCK_DIAG_BY_FAMILY) => sockets.extend(seen(message.get(HEADER..).unwrap_or_default())),
                _ => {}
            }
        }
        if length == 0 {
            return Ok(false);
        }
    }
}

fn receive(fd: &OwnedFd, answer: &mut [u8]) -> Result<usize> {
    retry(|| recv(fd.as_raw_fd(), answer, MsgFlags::empty()).map_err(|errno| Error::os(errno, "recv")))
}

/// A header, then unix_diag_req: all states, all sockets.
fn request() -> Vec<u8> {
    let mut request = Vec::with_capacity(40);
    request.extend(40_u32.to_ne_bytes());
    request.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request.extend(REQUEST_ALL.to_ne_bytes());
    request.extend([0; 8]);
    request.extend([libc::AF_UNIX as u8, 0, 0, 0]);
    request.extend(u32::MAX.to_ne_bytes());
    request.extend(0_u32.to_ne_bytes());
    request.extend(SHOW.to_ne_bytes());
    request.extend([0xff; 8]);
    request
}

/// unix_diag_msg, then attributes: a length and a kind, each in two bytes, then the value.
pub(crate) fn seen(message: &[u8]) -> Option<Seen> {
    let mut seen =
        Seen { kind: *message.get(1)?, state: *message.get(2)?, inode: word(message, 4)?, ..Seen::default() };
    let mut rest = message.get(MESSAGE..)?;
    while let Some(size) = half(rest, 0).map(usize::from).filter(|&size| size >= 4 && size <= rest.len()) {
        let (attribute, behind) = rest.split_at(size);
        rest = behind.get(padding(size)..).unwrap_or_default();
        match half(attribute, 2) {
            Some(0) => seen.name = attribute.get(4..).unwrap_or_default().to_vec(),
            Some(1) => seen.file = word(attribute, 4),
            Some(2) => seen.peer = word(attribute, 4),
            Some(4) => seen.queued = word(attribute, 4).unwrap_or(0),
            Some(7) => seen.uid = word(attribute, 4),
            _ => {}
        }
    }
    Some(seen)
}

/// What everything is padded to four bytes with.
const fn padding(size: usize) -> usize {
    size.wrapping_neg() & 3
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn a_listener_and_a_pair_are_seen_with_what_is_queued_and_whose_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a\nb");
        let _listener = UnixListener::bind(&path).unwrap();
        let _waiting = UnixStream::connect(&path).unwrap();
        let all = all().unwrap();
        let name = path.as_os_str().as_encoded_bytes();
        let listener = all.iter().find(|seen| seen.name.starts_with(name) && seen.state == 10).unwrap();
        assert_eq!((listener.kind, listener.queued), (1, 1));
        assert_eq!(listener.uid, Some(nix::unistd::geteuid().as_raw()));
        assert!(listener.file.is_some());
    }

    #[test]
    fn an_answer_that_is_cut_off_is_no_socket() {
        for length in 0..MESSAGE {
            assert_eq!(seen(&vec![1; length]), None);
        }
        let mut message = vec![0; MESSAGE];
        message.extend([255, 255, 0, 0]);
        assert_eq!(seen(&message), Some(Seen::default()));
    }
}
