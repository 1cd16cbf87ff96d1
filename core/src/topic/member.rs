//! Who takes part in a topic. Each has a number that nobody else has, and holds a lock on a byte of the file that only
//! the number names, far behind its end. So whether a member lives is the kernel's word: not that of a number that has
//! been used again, and a process that is stopped is not taken for dead.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};

use crate::error::{Error, Result};
use crate::sys::cancel::Flag;
use crate::sys::fd::set_lock;
use crate::sys::{blocking, random};

/// The byte of number 0.
const BYTES: libc::off_t = 1 << 40;
/// Numbers are below this, and not 0.
const NUMBERS: u32 = 1 << 30;
const ATTEMPTS: u32 = 1000;

/// A member, from when it joins until this is dropped.
#[derive(Debug)]
pub(super) struct Member {
    /// Its own description: locks belong to that. Threads that watch others hold on to it for longer.
    file: Arc<OwnedFd>,
    number: u32,
}

impl Member {
    /// Joins by a description that is nobody else's.
    pub(super) fn join(file: OwnedFd) -> Result<Self> {
        for _ in 0..ATTEMPTS {
            let number = random::bits()? as u32 % NUMBERS;
            if !is_number(number) {
                continue;
            }
            match set_lock(&file, &byte(number, libc::F_WRLCK)) {
                Ok(_) => return Ok(Self { file: Arc::new(file), number }),
                // Somebody has it.
                Err(Errno::EAGAIN | Errno::EACCES) => {}
                Err(errno) => return Err(Error::os(errno, "F_OFD_SETLK")),
            }
        }
        Err(Error::os(Errno::EAGAIN, "F_OFD_SETLK"))
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn file(&self) -> &OwnedFd {
        &self.file
    }

    /// Whether `number` is a member.
    pub(super) fn is_alive(&self, number: u32) -> Result<bool> {
        if number == self.number {
            return Ok(true);
        }
        if !is_number(number) {
            return Ok(false);
        }
        // Whoever watches it holds a lock for reading for a moment, which is not in the way of this.
        let mut lock = byte(number, libc::F_RDLCK);
        fcntl(&*self.file, FcntlArg::F_OFD_GETLK(&mut lock)).map_err(|errno| Error::os(errno, "F_OFD_GETLK"))?;
        Ok(i32::from(lock.l_type) != libc::F_UNLCK)
    }

    /// What waits, on a waiter thread, until `number` is no member any more.
    pub(super) fn watching(&self, number: u32) -> impl FnOnce(&Flag) -> Result<()> + Send + use<> {
        let file = Arc::clone(&self.file);
        // To lock the own byte for reading would give it up.
        let other = is_number(number) && number != self.number;
        move |flag| {
            if !other {
                return Ok(());
            }
            blocking::lock_range(file.as_fd(), &byte(number, libc::F_RDLCK), flag)?;
            let unlock = byte(number, libc::F_UNLCK);
            set_lock(&*file, &unlock).map_err(|errno| Error::os(errno, "F_OFD_SETLK"))?;
            Ok(())
        }
    }
}

impl Drop for Member {
    /// Not by the close alone: a child that is about to execute another program may have a copy until then.
    fn drop(&mut self) {
        // It fails for no lock that was granted; and then the close has to do.
        let _unlocked = set_lock(&*self.file, &byte(self.number, libc::F_UNLCK));
    }
}

fn is_number(number: u32) -> bool {
    (1..NUMBERS).contains(&number)
}

fn byte(number: u32, kind: libc::c_int) -> libc::flock {
    let start = BYTES + libc::off_t::from(number);
    libc::flock { l_type: kind as _, l_whence: libc::SEEK_SET as _, l_start: start, l_len: 1, l_pid: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::fd::open_anew;
    use nix::fcntl::OFlag;

    fn join(file: &std::fs::File) -> Member {
        Member::join(open_anew(file.as_fd(), OFlag::O_RDWR).unwrap()).unwrap()
    }

    #[test]
    fn a_member_lives_for_others_until_it_leaves() {
        let file = tempfile::tempfile().unwrap();
        let (one, other) = (join(&file), join(&file));
        assert_ne!(one.number(), other.number());
        assert!(one.is_alive(other.number()).unwrap() && other.is_alive(one.number()).unwrap());
        assert!(one.is_alive(one.number()).unwrap());
        // What is no number is nobody, and to watch oneself changes nothing.
        for number in [0, NUMBERS, NUMBERS + one.number(), u32::MAX] {
            assert!(!one.is_alive(number).unwrap());
            one.watching(number)(&Flag::default()).unwrap();
        }
        one.watching(one.number())(&Flag::default()).unwrap();
        assert!(other.is_alive(one.number()).unwrap());
        let number = other.number();
        drop(other);
        assert!(!one.is_alive(number).unwrap());
    }

    #[test]
    fn who_watches_learns_of_the_end_and_is_not_taken_for_the_member() {
        let file = tempfile::tempfile().unwrap();
        let (one, other, third) = (join(&file), join(&file), join(&file));
        let number = other.number();
        let watching = one.watching(number);
        let thread = std::thread::spawn(move || watching(&Flag::default()));
        drop(other);
        thread.join().unwrap().unwrap();
        assert!(!third.is_alive(number).unwrap() && !one.is_alive(number).unwrap());
    }

    #[test]
    fn a_member_leaves_although_its_watcher_goes_on() {
        let file = tempfile::tempfile().unwrap();
        let (one, other) = (join(&file), join(&file));
        let watching = one.watching(other.number());
        let number = one.number();
        drop(one);
        assert!(!other.is_alive(number).unwrap());
        drop(watching);
    }
}
