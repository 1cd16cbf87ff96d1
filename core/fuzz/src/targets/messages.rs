//! Messages on Unix sockets, with descriptors and whatever else the kernel can be made to add, received into rooms of
//! every size: none is lost, and no descriptor is left.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::libc;
use os_ipc_core::ring::Geometry;
use os_ipc_core::sys::Attempt;
use os_ipc_core::sys::socket::set_option;
use os_ipc_core::unix_socket::{BATCH, Inbox, Kind, Socket};

use super::descriptors::{leaves_none, make};
use crate::source::{Source, Step};
use crate::{Grammar, Target};

pub(crate) const TARGET: Target = Target { name: "messages", grammar: Grammar::Steps, run };

/// SO_PASSCRED, SO_PASSSEC, SO_TIMESTAMP, SO_TIMESTAMPNS, SO_PASSPIDFD.
const OPTIONS: [i32; 5] = [libc::SO_PASSCRED, libc::SO_PASSSEC, libc::SO_TIMESTAMP, libc::SO_TIMESTAMPNS, 76];

fn run(data: &[u8]) {
    leaves_none(|| play(Source::new(data)));
}

fn play(mut source: Source<'_>) {
    use std::os::fd::AsFd;
    let [kind, options, most, count, ..] = source.bytes::<8>();
    let kind = [Kind::Stream, Kind::Seqpacket, Kind::Datagram][usize::from(kind) % 3];
    let (sends, receives) = Socket::pair(kind).expect("there are descriptors");
    let watched = receives.duplicate().expect("there are descriptors").into_fd();
    for (index, option) in OPTIONS.into_iter().enumerate() {
        if options & 1 << index != 0 {
            // Older kernels do not know all of them.
            drop(set_option(watched.as_fd(), option, 1));
        }
    }
    let geometry = Geometry::new(4096, 1, 0);
    let fds: Vec<OwnedFd> = (0..1 + count % 4).filter_map(|kind| make(kind + 5, &geometry, 0, &[]).ok()).collect();
    let mut inbox = Inbox::new();
    let mut waiting = (0, 0);
    while let Some(step) = source.step() {
        match step.op % 4 {
            0 | 1 => send(&sends, step, &fds, &mut waiting),
            2 => {
                let lengths: Vec<_> = (0..step.which % 16).map(|index| usize::from(index) * 3 % 17).collect();
                let data = vec![1; lengths.iter().sum()];
                if let Ok(Attempt::Done(count)) = sends.try_send_many(&data, &lengths, None) {
                    assert!(count <= lengths.len());
                    waiting.0 += count;
                }
            }
            _ => receive(&receives, &mut inbox, step, kind, most, &mut waiting),
        }
    }
}

/// `waiting`: messages, and descriptors.
fn send(sends: &Socket, step: Step, fds: &[OwnedFd], waiting: &mut (usize, usize)) {
    let count = [0, 0, 1, 2, 3, 64, 253, 254][usize::from(step.which % 8)];
    let numbers: Vec<_> = fds.iter().cycle().take(count).map(AsRawFd::as_raw_fd).collect();
    let data = vec![step.class; step.value as usize % 5000];
    if let Ok(Attempt::Done(_)) = sends.try_send(&data, None, &numbers) {
        waiting.0 += 1;
        waiting.1 += count;
    }
}

fn receive(receives: &Socket, inbox: &mut Inbox, step: Step, kind: Kind, most: u8, waiting: &mut (usize, usize)) {
    let slot = 1 + step.value as usize % 600;
    let wanted = 1 + usize::from(step.which ^ most) % BATCH;
    let mut target = vec![0; slot * wanted];
    let mut tails = vec![0; 32 * wanted];
    let tails = (step.class & 1 != 0).then_some((&mut tails[..], 32));
    let room = slot + if tails.is_some() { 32 } else { 0 };
    let mut messages = 0;
    let taken = receives.try_receive(inbox, &mut target, slot, tails, wanted, |index, arrival, path| {
        assert_eq!(index, messages, "they are told in order");
        // The kernel gives a name to who wants credentials.
        assert!(matches!(path, [] | [0, _, _, _, _, _]), "{path:?} is nobody's name");
        assert!(arrival.length <= room, "more came than there was room for");
        assert!(arrival.control.fds.len() <= waiting.1, "there are more descriptors than were sent");
        waiting.1 -= arrival.control.fds.len();
        messages += 1;
    });
    match taken {
        Ok(Attempt::Done(count)) => {
            assert_eq!(count, messages);
            if kind != Kind::Stream {
                assert!(count <= waiting.0, "there are more messages than were sent");
                waiting.0 -= count;
            }
        }
        Ok(Attempt::WouldBlock) if kind != Kind::Stream => assert_eq!(waiting.0, 0, "a message is lost"),
        other => drop(other),
    }
}
