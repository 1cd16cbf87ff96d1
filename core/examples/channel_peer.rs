//! A Rust program at the other end of a channel: what it does is its first argument, where the channel is its second (the
//! number of an inherited descriptor, or an address to connect to).
//!
//! ```sh
//! cargo run --release -p os-ipc-core --example channel_peer -- echo /run/user/1000/service.sock
//! ```

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use os_ipc_core::ring::{Channel, Geometry};
use os_ipc_core::sys::Attempt;
use os_ipc_core::unix_socket::{Address, Kind, Listener, OnStale};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Err(error) = run(&words) {
        eprintln!("{error}");
        let code = match error.downcast_ref() {
            Some(os_ipc_core::Error::PeerDied) => 3,
            Some(os_ipc_core::Error::Corrupt(_)) => 4,
            _ => 1,
        };
        std::process::exit(code);
    }
}

fn run(words: &[String]) -> Result<()> {
    let [how, place, rest @ ..] = words else {
        return Err("channel_peer echo|count|verify|idle|listen WHERE …".into());
    };
    match how.as_str() {
        "echo" => echo(open(place)?),
        // count WHERE COUNT SIZES, verify WHERE COUNT SIZES
        "count" => count(open(place)?, &Plan::parse(rest)?),
        "verify" => verify(open(place)?, &Plan::parse(rest)?),
        // Attaches, says a word, and takes nothing.
        "idle" => {
            let mut channel = open(place)?;
            channel.send(b"here", None)?;
            std::thread::sleep(Duration::from_secs(30));
            Ok(())
        }
        // listen ADDRESS START0 START1 CAPACITY FLAGS: makes the channel for the one who connects, and echoes.
        "listen" => echo(listen(place, rest)?),
        _ => Err(format!("nobody knows how to {how}").into()),
    }
}

fn open(place: &str) -> Result<Channel> {
    Ok(match place.parse() {
        Ok(number) => Channel::from_fd(number)?,
        Err(_) => Channel::connect(place, Some(Instant::now() + Duration::from_secs(10)))?,
    })
}

fn listen(address: &str, rest: &[String]) -> Result<Channel> {
    let [start0, start1, capacity, flags] = rest else { return Err("four numbers are missing".into()) };
    let listener = Listener::bind(Kind::Seqpacket, &Address::new(address)?, 0o600, 1, OnStale::Fail)?;
    println!("listens");
    let socket = loop {
        match listener.try_accept()? {
            Attempt::Done(socket) => break socket,
            Attempt::WouldBlock => listener.block(100)?,
        }
    };
    let geometry = Geometry::new(capacity.parse()?, 16 << 20, flags.parse()?);
    let until = Some(Instant::now() + Duration::from_secs(10));
    Ok(Channel::answer(socket, geometry, [start0.parse()?, start1.parse()?], until)?)
}

fn echo(mut channel: Channel) -> Result<()> {
    while let Some(message) = channel.receive(None)? {
        // The handles that came with it are descriptors here.
        for fd in message.fds {
            File::from(fd).write_all(b"from Rust")?;
        }
        channel.send(&message.data, None)?;
    }
    Ok(())
}

fn count(mut channel: Channel, plan: &Plan) -> Result<()> {
    let mut message = Vec::new();
    for number in 0..plan.count {
        plan.write(number, &mut message);
        channel.send(&message, None)?;
    }
    channel.flush(None)?;
    Ok(())
}

fn verify(mut channel: Channel, plan: &Plan) -> Result<()> {
    let mut expected = Vec::new();
    for number in 0..plan.count {
        plan.write(number, &mut expected);
        let message = channel.receive(None)?.ok_or("the end comes too early")?;
        if message.data != expected {
            return Err(format!("message {number} is not what was sent").into());
        }
    }
    channel.send(b"all", None)?;
    channel.flush(None)?;
    Ok(())
}

/// Messages that both sides know: each has its number, then a part of a text of 64 KiB that repeats itself.
struct Plan {
    count: u32,
    sizes: Vec<usize>,
    text: Vec<u8>,
}

const PERIOD: usize = 65_536;

impl Plan {
    /// The count, and sizes with commas between, which follow each other.
    fn parse(words: &[String]) -> Result<Self> {
        let [count, sizes] = words else { return Err("COUNT SIZES are missing".into()) };
        let sizes = sizes.split(',').map(str::parse).collect::<std::result::Result<Vec<usize>, _>>()?;
        let longest = sizes.iter().copied().max().unwrap_or(0);
        let text = (0..PERIOD + longest).map(|at| letter(at % PERIOD)).collect();
        Ok(Self { count: count.parse()?, sizes, text })
    }

    fn write(&self, number: u32, message: &mut Vec<u8>) {
        let at = number as usize * 7 % PERIOD;
        let size = self.sizes[number as usize % self.sizes.len()];
        message.clear();
        message.extend_from_slice(&number.to_ne_bytes());
        message.extend_from_slice(&self.text[at..at + size]);
    }
}

fn letter(at: usize) -> u8 {
    ((at as u32).wrapping_mul(2_654_435_761) >> 24) as u8
}
