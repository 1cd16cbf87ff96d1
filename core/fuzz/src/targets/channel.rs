//! An end of a real channel, in real memory, against an enemy at the other end: he has the memory, both bells and the
//! control line, and uses them as he likes.

use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};
use std::time::Instant;

use os_ipc_core::Error;
use os_ipc_core::ring::control::{Control, Desk, Received};
use os_ipc_core::ring::layout::{CHECKSUM, RENDEZVOUS, STATES, WORDS};
use os_ipc_core::ring::{Channel, Geometry, Memory, Next};

use super::descriptors::{leaves_none, make};
use super::frame::frame;
use crate::number::value;
use crate::source::{Source, Step};
use crate::{Grammar, Target};

pub(crate) const TARGET: Target = Target { name: "channel", grammar: Grammar::Steps, run };

/// Where the words of a ring stand, from its first one on, and the first bytes of its data.
const OFFSETS: [usize; 6] = [0, 64, 128, 192, 196, 256];

fn run(data: &[u8]) {
    leaves_none(|| play(Source::new(data)));
}

/// What he has.
struct Enemy {
    control: Option<Control>,
    memory: Memory,
    bells: Vec<OwnedFd>,
}

fn play(mut source: Source<'_>) {
    let [flags, class, exponent, _, start @ ..] = source.bytes::<8>();
    let flags = if flags & 1 == 0 { 0 } else { CHECKSUM } | if flags & 2 == 0 { 0 } else { RENDEZVOUS };
    let most = value(class, 0x0101 * u32::from(exponent), 4096, 4096).max(1);
    let geometry = Geometry::new(4096 << (exponent % 3), most, flags);
    let start = u32::from_le_bytes(start) & !7;
    let (mut channel, theirs) = Channel::for_child(geometry, [start, start]).expect("it is an honest one");
    let mut enemy = Enemy::new(theirs, geometry);
    while let Some(step) = source.step() {
        let outcome = match step.op % 10 {
            0 => channel.try_send(&vec![step.class; step.value as usize % 9000]).map(drop),
            1 | 2 => channel.try_receive().map(|next| judge(&next, &geometry)),
            3 => channel.send(&vec![step.class; step.value as usize % 20_000], Some(Instant::now())),
            4 => channel.receive(Some(Instant::now())).map(|message| {
                message.into_iter().for_each(|message| judge(&Next::Message(message), &geometry));
            }),
            5 => channel.flush(Some(Instant::now())),
            6 => {
                enemy.speak(step, &mut source, &geometry);
                Ok(())
            }
            7 => {
                enemy.handle_bells(step);
                Ok(())
            }
            _ => {
                enemy.write(step);
                Ok(())
            }
        };
        if matches!(outcome, Err(Error::Panicked(_))) {
            panic!("{outcome:?}");
        }
    }
}

fn judge(next: &Next, geometry: &Geometry) {
    if let Next::Message(message) = next {
        assert!(message.data.len() <= geometry.max_message_size as usize, "a message is too long");
    }
}

impl Enemy {
    fn new(control: OwnedFd, geometry: Geometry) -> Self {
        let control = Control::adopt(control.into_raw_fd()).expect("it is one");
        loop {
            let Ok(Received::Frame(frame)) = control.receive(&mut Desk::default()) else {
                panic!("there is no set-up");
            };
            let mut fds = frame.fds;
            if fds.len() == 3 {
                let memory = Memory::map(fds[0].as_fd(), geometry).expect("it can be mapped");
                fds.remove(0);
                return Self { control: Some(control), memory, bells: fds };
            }
        }
    }

    fn write(&self, Step { which, class, delay, value: raw, .. }: Step) {
        let size = self.memory.geometry().capacity[0];
        let ring = usize::from(which & 1);
        let offset = match (which >> 1) % 10 {
            word @ 0..6 => WORDS[ring] + OFFSETS[usize::from(word)],
            6 => STATES[ring],
            7 => (raw % 4096) as usize & !3,
            _ => (self.memory.offset_of(ring) + (raw >> 12) as usize % size as usize) & !3,
        };
        let mapping = self.memory.mapping();
        let Ok(word) = mapping.word32(offset) else { return };
        let now = word.load(std::sync::atomic::Ordering::SeqCst);
        word.store(value(class, raw, now, size), std::sync::atomic::Ordering::SeqCst);
        if delay & 1 != 0 {
            drop(mapping.copy_in(offset, &[delay; 16]));
        }
    }

    fn handle_bells(&mut self, Step { which, class, value: raw, .. }: Step) {
        match which % 8 {
            6 => drop(self.bells.pop()),
            7 => drop(self.control.take()),
            which => {
                let Some(bell) = self.bells.get(usize::from(which & 1)) else { return };
                let fd = os_ipc_core::sys::fd::copy_of(bell.as_raw_fd()).expect("it is open");
                let flags = nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK);
                let _set = nix::fcntl::fcntl(&fd, flags);
                let _written = nix::unistd::write(&fd, &vec![class; raw as usize % 6000]);
            }
        }
    }

    fn speak(&self, step: Step, source: &mut Source<'_>, geometry: &Geometry) {
        let Some(control) = &self.control else { return };
        let fds: Vec<_> = (0..step.delay % 5)
            .filter_map(|index| make(step.class.wrapping_add(index), geometry, 0, &[]).ok())
            .collect();
        let numbers: Vec<_> = fds.iter().map(AsRawFd::as_raw_fd).collect();
        drop(control.send(&frame(step, source), &numbers));
    }
}
