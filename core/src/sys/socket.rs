//! unix(7): the calls with addresses, messages and control data. No transfer waits, whatever the flags of the open file
//! description say (MSG_DONTWAIT), and none raises SIGPIPE (MSG_NOSIGNAL).

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use nix::errno::Errno;

use super::cancel::{self, Flag};
use super::control::{self, Control};
use super::ret;
use crate::error::{Error, Result};

/// The kernel's sockaddr_un, with room for what getsockname(2) puts behind a path of full length.
#[repr(C)]
#[derive(Clone, Copy)]
struct Name {
    family: libc::sa_family_t,
    path: [u8; Self::ROOM],
}

impl Name {
    const ROOM: usize = 126;
    const HEADER: usize = size_of::<libc::sa_family_t>();
    const EMPTY: Self = Self { family: 0, path: [0; Self::ROOM] };

    fn new(path: &[u8]) -> Self {
        let mut name = Self { family: libc::AF_UNIX as libc::sa_family_t, ..Self::EMPTY };
        for (byte, given) in name.path.iter_mut().zip(path) {
            *byte = *given;
        }
        name
    }

    fn length(path: &[u8]) -> libc::socklen_t {
        (Self::HEADER + path.len().min(Self::ROOM)) as libc::socklen_t
    }

    /// The bytes behind the family, of an address that is `length` bytes long as the kernel says.
    fn bytes(&self, length: libc::socklen_t) -> &[u8] {
        let length = (length as usize).saturating_sub(Self::HEADER).min(Self::ROOM);
        &self.path[..length]
    }
}

/// bind(2). `path` is what stands in sun_path; nothing at all has the kernel choose an abstract name.
pub fn bind(fd: BorrowedFd<'_>, path: &[u8]) -> Result<()> {
    let name = Name::new(path);
    // SAFETY: an address of ours, of at least the length given.
    let status = unsafe { libc::bind(fd.as_raw_fd(), (&raw const name).cast(), Name::length(path)) };
    ret(status.into(), "bind").map(drop)
}

/// connect(2). EAGAIN where the listener's queue is full and `fd` has O_NONBLOCK.
pub fn connect(fd: BorrowedFd<'_>, path: &[u8]) -> Result<()> {
    let name = Name::new(path);
    // SAFETY: an address of ours, of at least the length given.
    let status = unsafe { libc::connect(fd.as_raw_fd(), (&raw const name).cast(), Name::length(path)) };
    ret(status.into(), "connect").map(drop)
}

/// connect(2), waiting for room in the listener's queue. For a waiter thread.
pub fn connect_waiting(fd: BorrowedFd<'_>, path: &[u8], flag: &Flag) -> Result<()> {
    let name = Name::new(path);
    let arguments = [fd.as_raw_fd().into(), (&raw const name) as libc::c_long, Name::length(path).into(), 0, 0, 0];
    // SAFETY: connect's arguments: an address of ours that outlives the call, of at least the length given.
    unsafe { cancel::call(flag, libc::SYS_connect, "connect", arguments) }.map(drop)
}

/// accept4(2), close-on-exec. It waits unless `fd` is known to be ready, or has O_NONBLOCK.
pub fn accept(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    // SAFETY: nobody asks for the address.
    let number = unsafe { libc::accept4(fd.as_raw_fd(), ptr::null_mut(), ptr::null_mut(), libc::SOCK_CLOEXEC) };
    ret(number.into(), "accept4")?;
    // SAFETY: accept4 has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// getsockname(2): what stands in sun_path.
pub fn name(fd: BorrowedFd<'_>) -> Result<Vec<u8>> {
    let mut name = Name::EMPTY;
    let mut length = size_of::<Name>() as libc::socklen_t;
    // SAFETY: writes at most `length` bytes of an address of ours.
    let status = unsafe { libc::getsockname(fd.as_raw_fd(), (&raw mut name).cast(), &raw mut length) };
    ret(status.into(), "getsockname")?;
    Ok(name.bytes(length).to_vec())
}

/// getpeername(2): what stands in sun_path.
pub fn peer_name(fd: BorrowedFd<'_>) -> Result<Vec<u8>> {
    let mut name = Name::EMPTY;
    let mut length = size_of::<Name>() as libc::socklen_t;
    // SAFETY: writes at most `length` bytes of an address of ours.
    let status = unsafe { libc::getpeername(fd.as_raw_fd(), (&raw mut name).cast(), &raw mut length) };
    ret(status.into(), "getpeername")?;
    Ok(name.bytes(length).to_vec())
}

/// An option of SOL_SOCKET that is an int.
pub fn option(fd: BorrowedFd<'_>, option: libc::c_int) -> Result<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut length = size_of::<libc::c_int>() as libc::socklen_t;
    let into = (&raw mut value).cast();
    // SAFETY: writes at most `length` bytes into an int of ours.
    let status = unsafe { libc::getsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, option, into, &raw mut length) };
    ret(status.into(), "getsockopt").map(|_| value)
}

/// Sets an option of SOL_SOCKET that is an int.
pub fn set_option(fd: BorrowedFd<'_>, option: libc::c_int, value: libc::c_int) -> Result<()> {
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    let status =
        // SAFETY: reads an int of ours.
        unsafe { libc::setsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, option, (&raw const value).cast(), length) };
    ret(status.into(), "setsockopt").map(drop)
}

/// SO_PEERCRED: pid, uid and gid.
pub fn peer_credentials(fd: BorrowedFd<'_>) -> Result<libc::ucred> {
    let mut value = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    let into = (&raw mut value).cast();
    let status =
        // SAFETY: writes at most `length` bytes into a ucred of ours.
        unsafe { libc::getsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, into, &raw mut length) };
    ret(status.into(), "getsockopt").map(|_| value)
}

/// SO_PEERGROUPS.
pub fn peer_groups(fd: BorrowedFd<'_>) -> Result<Vec<libc::gid_t>> {
    let mut groups: Vec<libc::gid_t> = vec![0; 64];
    loop {
        let room = groups.len() * size_of::<libc::gid_t>();
        let mut length = room as libc::socklen_t;
        let into = groups.as_mut_ptr().cast();
        let status =
            // SAFETY: writes at most `length` bytes into memory of ours of that size.
            unsafe { libc::getsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERGROUPS, into, &raw mut length) };
        let wanted = length as usize / size_of::<libc::gid_t>();
        match ret(status.into(), "getsockopt") {
            Err(Error::Os { errno: Errno::ERANGE, .. }) if wanted > groups.len() => groups.resize(wanted, 0),
            outcome => {
                outcome?;
                groups.truncate(wanted);
                return Ok(groups);
            }
        }
    }
}

/// SO_PEERPIDFD (Linux 6.5): ENOPROTOOPT where the kernel does not know it.
pub fn peer_pidfd(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    const SO_PEERPIDFD: libc::c_int = 77;
    let number = option(fd, SO_PEERPIDFD)?;
    // SAFETY: the kernel has just made it for us, close-on-exec.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// SIOCOUTQ: bytes sent that the other side has not read.
pub fn queued(fd: BorrowedFd<'_>) -> Result<usize> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: SIOCOUTQ, which has TIOCOUTQ's number, writes one int.
    let status = unsafe { libc::ioctl(fd.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    ret(status.into(), "ioctl")?;
    Ok(bytes.unsigned_abs() as usize)
}

/// fchmod(2) of a socket that is not bound yet: the permissions that bind(2) will give its file.
pub fn set_mode(fd: BorrowedFd<'_>, mode: u32) -> Result<()> {
    // SAFETY: two integers.
    let status = unsafe { libc::fchmod(fd.as_raw_fd(), mode) };
    ret(status.into(), "fchmod").map(drop)
}

/// sendmsg(2) without waiting. `path` is the receiver's sun_path, nothing for a socket that is connected. The numbers in
/// `fds` are the caller's: the kernel says EBADF of one that is not open.
pub fn send(fd: BorrowedFd<'_>, data: &[u8], path: &[u8], fds: &[RawFd]) -> Result<usize> {
    let name = Name::new(path);
    let mut iov = libc::iovec { iov_base: data.as_ptr().cast_mut().cast(), iov_len: data.len() };
    let mut rights = if fds.is_empty() { Vec::new() } else { control::rights(fds) };
    let mut header = empty_header();
    header.msg_iov = &raw mut iov;
    header.msg_iovlen = 1;
    if !path.is_empty() {
        header.msg_name = (&raw const name).cast_mut().cast();
        header.msg_namelen = Name::length(path);
    }
    if !rights.is_empty() {
        header.msg_control = rights.as_mut_ptr().cast();
        header.msg_controllen = control_length(rights.len() * control::WORD);
    }
    // SAFETY: a header whose parts all outlive the call, which only reads them.
    let sent = unsafe { libc::sendmsg(fd.as_raw_fd(), &raw const header, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) };
    count(sent)
}

/// sendmmsg(2) without waiting: so many messages as `lengths` names, one behind the other in `data`. Gives how many were
/// sent; if it is not even one, why.
pub fn send_many(fd: BorrowedFd<'_>, data: &[u8], lengths: &[usize], path: &[u8]) -> Result<usize> {
    let name = Name::new(path);
    let mut rest = data;
    let mut iovs = Vec::with_capacity(lengths.len());
    for &length in lengths {
        let (message, behind) = rest.split_at(length.min(rest.len()));
        rest = behind;
        iovs.push(libc::iovec { iov_base: message.as_ptr().cast_mut().cast(), iov_len: message.len() });
    }
    let mut headers = Vec::with_capacity(iovs.len());
    for iov in &mut iovs {
        let mut header = empty_header();
        header.msg_iov = ptr::from_mut(iov);
        header.msg_iovlen = 1;
        if !path.is_empty() {
            header.msg_name = (&raw const name).cast_mut().cast();
            header.msg_namelen = Name::length(path);
        }
        headers.push(libc::mmsghdr { msg_hdr: header, msg_len: 0 });
    }
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    let (number, first) = (headers.len() as libc::c_uint, headers.as_mut_ptr());
    // SAFETY: so many headers, whose parts all outlive the call.
    let sent = unsafe { libc::syscall(libc::SYS_sendmmsg, fd.as_raw_fd(), first, number, flags) };
    // Few, and never negative here.
    Ok(ret(sent, "sendmmsg")?.unsigned_abs() as usize)
}

/// What has come with a message.
#[derive(Debug, Default)]
pub struct Arrival {
    /// How many of its bytes stand in memory.
    pub length: usize,
    /// There was no room for all of its bytes.
    pub truncated: bool,
    /// Descriptors, credentials.
    pub control: Control,
}

/// Room for what comes with messages: headers, addresses, control data. Used again and again.
pub struct Inbox {
    names: Vec<Name>,
    control: Vec<u64>,
    iovs: Vec<[libc::iovec; 2]>,
    headers: Vec<libc::mmsghdr>,
    /// What comes stays where it is: MSG_PEEK.
    pub peeks: bool,
}

/// The most messages that one call takes.
pub const BATCH: usize = 64;

impl Default for Inbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Inbox {
    /// Room for [`BATCH`] messages.
    #[must_use]
    pub fn new() -> Self {
        let nothing = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };
        Self {
            names: vec![Name::EMPTY; BATCH],
            control: vec![0; BATCH * control::ROOM],
            iovs: vec![[nothing; 2]; BATCH],
            headers: vec![libc::mmsghdr { msg_hdr: empty_header(), msg_len: 0 }; BATCH],
            peeks: false,
        }
    }

    /// Takes messages without waiting (recvmsg(2) of one, recvmmsg(2) of more), at most `most`: each into `slot` bytes of
    /// `target`, and what does not fit there into `tails`' next part of `tail` bytes. Tells `arrived` of each: its index,
    /// what came, and the sender's sun_path.
    pub fn receive(
        &mut self,
        fd: BorrowedFd<'_>,
        target: &mut [u8],
        slot: usize,
        tails: Option<(&mut [u8], usize)>,
        most: usize,
        mut arrived: impl FnMut(usize, Arrival, &[u8]),
    ) -> Result<usize> {
        let mut slots = target.chunks_exact_mut(slot.max(1));
        let (tails, tail) = tails.unwrap_or_default();
        let mut tails = tails.chunks_exact_mut(tail.max(1));
        let mut wanted = 0;
        let parts = self.iovs.iter_mut().zip(&mut self.headers).zip(&mut self.names);
        for ((iovs, header), (name, control)) in parts
            .zip(self.control.chunks_exact_mut(control::ROOM))
            .take(most)
            .map(|((parts, name), control)| (parts, (name, control)))
        {
            let Some(memory) = slots.next() else { break };
            let more = tails.next();
            let pieces = 1 + usize::from(more.is_some());
            iovs[0] = iovec(memory);
            iovs[1] = iovec(more.unwrap_or_default());
            let mut filled = empty_header();
            filled.msg_iov = iovs.as_mut_ptr();
            filled.msg_iovlen = pieces as _;
            filled.msg_name = ptr::from_mut(name).cast();
            filled.msg_namelen = size_of::<Name>() as libc::socklen_t;
            filled.msg_control = control.as_mut_ptr().cast();
            filled.msg_controllen = control_length(size_of_val(control));
            *header = libc::mmsghdr { msg_hdr: filled, msg_len: 0 };
            wanted += 1;
        }
        let peeks = if self.peeks { libc::MSG_PEEK } else { 0 };
        let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC | peeks;
        let taken = match wanted {
            0 => return Err(Error::os(Errno::EINVAL, "recvmsg")),
            1 => {
                let header = &raw mut self.headers[0].msg_hdr;
                // SAFETY: a header whose parts are ours, mutable, and of the lengths that it says.
                let length = count(unsafe { libc::recvmsg(fd.as_raw_fd(), header, flags) });
                self.headers[0].msg_len = length.map_err(|error| named(error, "recvmsg"))? as libc::c_uint;
                1
            }
            _ => {
                let (headers, no_timeout) = (self.headers.as_mut_ptr(), ptr::null_mut::<libc::timespec>());
                let (number, fd) = (libc::SYS_recvmmsg, fd.as_raw_fd());
                // SAFETY: so many headers, whose parts are ours, mutable, and of the lengths that they say.
                let taken = unsafe { libc::syscall(number, fd, headers, wanted as libc::c_uint, flags, no_timeout) };
                ret(taken, "recvmmsg")?.unsigned_abs() as usize
            }
        };
        // What came with all of them is owned before anybody is told of one, so that nothing is forgotten.
        let arrivals: Vec<Arrival> = self.headers[..taken]
            .iter()
            .zip(self.control.chunks_exact(control::ROOM))
            .map(|(header, control)| {
                let length = length_of(header.msg_hdr.msg_controllen);
                let lost = header.msg_hdr.msg_flags & libc::MSG_CTRUNC != 0;
                // SAFETY: the kernel has just put these descriptors into this process for us.
                let control = unsafe { control::parse(control, length, lost) };
                let truncated = header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
                Arrival { length: header.msg_len as usize, truncated, control }
            })
            .collect();
        for (index, arrival) in arrivals.into_iter().enumerate() {
            let path = self.names[index].bytes(self.headers[index].msg_hdr.msg_namelen);
            arrived(index, arrival, path);
        }
        Ok(taken)
    }
}

fn iovec(memory: &mut [u8]) -> libc::iovec {
    libc::iovec { iov_base: memory.as_mut_ptr().cast(), iov_len: memory.len() }
}

fn empty_header() -> libc::msghdr {
    // SAFETY: null pointers and zeros are an empty header. It has private padding in some C libraries.
    unsafe { std::mem::zeroed() }
}

/// The C libraries do not agree on the type of msg_controllen.
fn length_of<T: TryInto<usize>>(length: T) -> usize {
    length.try_into().unwrap_or(0)
}

/// And back.
fn control_length<T: TryFrom<usize> + Default>(length: usize) -> T {
    T::try_from(length).unwrap_or_default()
}

fn count(value: isize) -> Result<usize> {
    usize::try_from(value).map_err(|_| Error::os(Errno::last(), "sendmsg"))
}

fn named(error: Error, syscall: &'static str) -> Error {
    match error {
        Error::Os { errno, object, .. } => Error::Os { errno, syscall, object },
        other => other,
    }
}
