//! Receives signals: each gets every signal that it asked for, whoever else does.

use super::hub::Hub;
use super::office::{self, Asking};
use crate::error::Result;
use crate::sys::signal::{Info, Set};

/// What came, and who has sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Which signal.
    pub number: i32,
    /// How it was sent: `si_code` of sigaction(2).
    pub code: i32,
    /// Who has sent it; 0 for the kernel.
    pub pid: i32,
    /// Whose process that was.
    pub uid: u32,
    /// What came with it, where it was sent with something.
    pub value: Option<i32>,
}

impl From<&Info> for Received {
    fn from(info: &Info) -> Self {
        let Info { number, code, pid, uid, value, .. } = *info;
        match code {
            // There other things stand in the place of the sender.
            libc::SI_TIMER => Self { number, code, pid: 0, uid: 0, value: Some(value) },
            libc::SI_QUEUE | libc::SI_MESGQ | libc::SI_ASYNCIO => Self { number, code, pid, uid, value: Some(value) },
            _ => Self { number, code, pid, uid, value: None },
        }
    }
}

/// Open until it is dropped.
#[derive(Debug)]
pub struct Receiver(u64);

impl Receiver {
    /// Receives these from here on, on the thread of `hub`.
    pub fn open(hub: &Hub, wanted: Set) -> Result<Self> {
        office::mask(wanted)?;
        office::with(|office| office.open(hub.0.number, wanted)).map(Self)
    }

    /// The oldest that have come, at most `most` of them, into `room`. Never waits.
    pub fn receive(&self, hub: &Hub, room: &mut Vec<Received>, most: usize) -> Result<()> {
        office::with(|office| {
            room.clear();
            office.collect(self.0, room, most);
            if !room.is_empty() {
                return Ok(());
            }
            office.take(&hub.0.signals, Some(&Asking::Receiver(self.0)))?;
            office.collect(self.0, room, most);
            Ok(())
        })
    }

    /// How many have been thrown away because this receiver did not take what had come.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        office::with(|office| office.dropped(self.0))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // Nobody is there to hear of it. What fails is to tell others what they may take: they take less than they could.
        drop(office::with(|office| office.close(self.0)));
    }
}
