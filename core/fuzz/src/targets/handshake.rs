//! How a channel is set up, by whatever comes over its control line: frames in any order, with descriptors of any kind.

use std::os::fd::{AsRawFd, IntoRawFd};
use std::time::Instant;

use os_ipc_core::ring::{Channel, Control, Geometry};
use os_ipc_core::unix_socket::Socket;

use super::descriptors::{leaves_none, make};
use super::frame::frame;
use crate::number::value;
use crate::source::{Source, Step};
use crate::{Grammar, Target};

pub(crate) const TARGET: Target = Target { name: "handshake", grammar: Grammar::Steps, run };

fn run(data: &[u8]) {
    leaves_none(|| play(Source::new(data)));
}

fn play(mut source: Source<'_>) {
    let [side, exponent, most, ..] = source.bytes::<8>();
    let geometry = Geometry::new(4096 << (exponent % 8), u32::from(most) + 1, 0);
    let [ours, theirs] = Control::pair().expect("there are descriptors");
    while let Some(step) = source.step() {
        send(&theirs, step, &mut source, &geometry);
    }
    let theirs = (side & 2 == 0).then_some(theirs);
    let channel = if side & 1 == 0 {
        Channel::from_fd(ours.into_fd().into_raw_fd())
    } else {
        Socket::adopt(ours.into_fd().into_raw_fd())
            .and_then(|socket| Channel::answer(socket, geometry, [0, 0], Some(Instant::now())))
    };
    // Whatever was set up can be used without harm.
    if let Ok(mut channel) = channel {
        drop(channel.try_send(b"hello"));
        drop(channel.try_receive());
        drop(channel.try_receive());
        drop(channel.send(&[1; 10_000], Some(Instant::now())));
    }
    drop(theirs);
}

/// A frame, and three descriptors or so; what is memory has a word of its header changed.
fn send(control: &Control, step: Step, source: &mut Source<'_>, geometry: &Geometry) {
    let kinds: [u8; 4] = match step.delay % 4 {
        0 => [0, 6, 7, 0],
        1 => [step.op, 6, 7, step.class],
        2 => [0, step.op, step.class, step.class],
        _ => [step.op, step.class, step.which, 0],
    };
    let count = match step.delay >> 2 {
        0..32 => 3,
        other => usize::from(other % 5),
    };
    let at = usize::from(step.class % 8) * 4;
    let header = value(step.op >> 4, step.value, 4096, 4096).to_ne_bytes();
    let header = if step.class & 8 == 0 { &header[..] } else { &[] };
    let fds: Vec<_> =
        kinds.iter().cycle().take(count).filter_map(|&kind| make(kind, geometry, at, header).ok()).collect();
    let numbers: Vec<_> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    drop(control.send(&frame(step, source), &numbers));
}
